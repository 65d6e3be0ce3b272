mkdir -p etc/network/interfaces.d
cat >etc/network/interfaces <<'E'
auto lo
iface lo inet loopback

auto enx02
iface enx02
	address 10.1.1.1/24

E
