. "${0%/*}/../interfaces.sh"
interfaces <<'E'
auto mv0
iface mv0 inet static
	address 10.1.1.1/24
	pre-up ip link add mv0 link enx02 type macvlan mode bridge

E
