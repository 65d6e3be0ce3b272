. "${0%/*}/../interfaces.sh"
interfaces <<'E'
auto enx02
iface enx02 inet manual
	mtu 9000

E
mkdir -p etc/frr; printf 'frr defaults traditional\ninterface lo\n ip address 10.15.15.50/32\n ip router openfabric 1\n openfabric passive\n!\ninterface enx02\n ip router openfabric 1\n openfabric csnp-interval 2\n!\nrouter openfabric 1\n net 49.0001.1111.1111.1111.00\n' >etc/frr/frr.conf; printf 'fabricd=yes\n' >etc/frr/daemons
