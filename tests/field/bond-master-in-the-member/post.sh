. "${0%/*}/../interfaces.sh"
interfaces <<'E'
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
