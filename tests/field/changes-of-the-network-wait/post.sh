. "${0%/*}/../interfaces.sh"
interfaces </dev/null
interfaces interfaces.new <<'E'
auto vmbr1
iface vmbr1 inet static
	address 10.1.1.1/24
	bridge-ports enx02
	bridge-stp off
	bridge-fd 0

E
