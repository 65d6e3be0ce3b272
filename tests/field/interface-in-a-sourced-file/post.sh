mkdir -p etc/network/interfaces.d
cat >etc/network/interfaces <<'E'
auto lo
iface lo inet loopback
source /etc/network/storage/*.cfg

E
mkdir -p $(dirname etc/network/storage/ceph.cfg)
cat >etc/network/storage/ceph.cfg <<'E'
auto enx02
iface enx02 inet static
	address 10.1.1.1/24
E
