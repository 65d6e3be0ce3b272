. "${0%/*}/../interfaces.sh"
interfaces <<'E'
auto vmbr1
iface vmbr1 inet static
	address 10.1.1.1/24
	bridge-ports enx020000000002
	bridge-stp off
	bridge-fd 0

E
mkdir -p run/udev/data; i=$(cat sys/class/net/nic1/ifindex 2>/dev/null || echo 7); echo $i >sys/class/net/nic1/ifindex; echo 02:00:00:00:00:02 >sys/class/net/nic1/address; printf 'E:ID_NET_NAME_MAC=enx020000000002\nE:ID_NET_NAME=nic1\n' >run/udev/data/n$i
