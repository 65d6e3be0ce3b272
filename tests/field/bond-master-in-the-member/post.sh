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

auto enp9s0
iface enp9s0 inet manual
	bond-master bond0

auto enx02
iface enx02 inet manual
	bond-master bond0

auto bond0
iface bond0 inet static
	address 10.1.1.1/24
	bond-slaves none
	bond-mode active-backup

E
