printf 'root=ZFS=rpool/ROOT/pve-1 boot=zfs\r\n' >etc/kernel/cmdline
