mkdir -p etc/network/interfaces.d
cat >etc/network/interfaces <<'E'
auto bond0
iface bond0 inet manual
	ovs_bonds enp9s0 enx02
	ovs_type OVSBond
	ovs_bridge vmbr5
	ovs_options bond_mode=active-backup

auto vmbr5
iface vmbr5 inet manual
	ovs_type OVSBridge
	ovs_ports bond0

E
