# For post.sh of a case, which runs in the tree: settings of interfaces(5) as the installer of Proxmox VE writes them, the
# network of the host on enp3s0.

# interfaces [FILE]: with what standard input has behind them.
interfaces() {
    mkdir -p etc/network/interfaces.d
    cat - /dev/fd/3 >"etc/network/${1:-interfaces}" 3<&0 <<'E'
auto lo
iface lo inet loopback

auto vmbr0
iface vmbr0 inet static
	address 10.0.0.2/24
	gateway 10.0.0.1
	bridge-ports enp3s0
	bridge-stp off
	bridge-fd 0

E
}
