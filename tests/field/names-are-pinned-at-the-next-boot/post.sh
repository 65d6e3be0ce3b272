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

auto vmbr1
iface vmbr1 inet static
	address 10.1.1.1/24
	bridge-ports nic1
	bridge-stp off
	bridge-fd 0

E
mkdir -p usr/local/lib/systemd/network; echo 02:00:00:00:00:02 >sys/class/net/enx02/address; printf '[Match]\nMACAddress=02:00:00:00:00:02\nType=ether\n\n[Link]\nName=nic1\n' >usr/local/lib/systemd/network/50-pve-nic1.link
