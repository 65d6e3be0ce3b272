. "${0%/*}/../interfaces.sh"
interfaces <<'E'
auto enx02
iface enx02 inet manual
	post-up ip address add 10.9.9.1/24 dev enx02
	post-up ip route add 10.9.0.0/16 via 10.9.9.254

E
