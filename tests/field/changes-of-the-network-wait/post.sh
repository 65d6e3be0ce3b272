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

E
mkdir -p etc/network/interfaces.d
mkdir -p $(dirname etc/network/interfaces.new); cat >etc/network/interfaces.new <<'E'
auto lo
iface lo inet loopback

auto vmbr0
iface vmbr0 inet static
	address 10.0.0.2/24
	gateway 10.0.0.1
	bridge-ports enp3s0
	bridge-stp off
	bridge-fd 0

auto vmbr1
iface vmbr1 inet static
	address 10.1.1.1/24
	bridge-ports enx02
	bridge-stp off
	bridge-fd 0

E
