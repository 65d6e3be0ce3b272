. "${0%/*}/../interfaces.sh"
interfaces <<'E'
auto vmbr1
iface vmbr1 inet static
	address 10.1.1.1/24
	bridge-ports nic1
	bridge-stp off
	bridge-fd 0

E
mkdir -p usr/local/lib/systemd/network; echo 02:00:00:00:00:02 >sys/class/net/enx02/address; printf '[Match]\nMACAddress=02:00:00:00:00:02\nType=ether\n\n[Link]\nName=nic1\n' >usr/local/lib/systemd/network/50-pve-nic1.link
