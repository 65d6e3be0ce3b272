mkdir -p etc/network/interfaces.d
cat >etc/network/interfaces <<'E'
auto vmbr5
iface vmbr5 inet manual
	bridge-ports enp9s0 \
		enx02
	bridge-stp off

E
