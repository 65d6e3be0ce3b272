mkdir -p etc/network/interfaces.d
mkdir -p $(dirname etc/network/interfaces); cat >etc/network/interfaces <<'E'
auto lo
iface lo inet loopback

auto vmbr0
iface vmbr0 inet static
	address 10.0.0.2/24
	gateway 10.0.0.1
	bridge-ports enp3s0
	bridge-stp off
	bridge-fd 0

auto enx02
iface enx02 inet manual
	post-up ip address add 10.9.9.1/24 dev enx02
	post-up ip route add 10.9.0.0/16 via 10.9.9.254

E
