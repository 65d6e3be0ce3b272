mkdir -p etc/network/interfaces.d
cat >etc/network/interfaces <<'E'
auto enx02
iface enx02 inet manual

auto vmbr5
iface vmbr5 inet manual
	bridge-ports enx02.50
	bridge-stp off
	bridge-fd 0

E
