mkdir -p etc/network/interfaces.d
cat >etc/network/interfaces <<'E'
auto vmbr5
iface vmbr5 inet manual
	bridge-ports glob enx0[1-9]
	bridge-stp off

E
