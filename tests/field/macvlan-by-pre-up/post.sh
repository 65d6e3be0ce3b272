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

auto mv0
iface mv0 inet static
	address 10.1.1.1/24
	pre-up ip link add mv0 link enx02 type macvlan mode bridge

E
