mkdir -p etc/pve/qemu-server etc/pve/lxc etc/pve/nodes/pve; ln -sfn nodes/pve etc/pve/local; q=etc/pve/qemu-server; l=etc/pve/lxc
mkdir -p var/lib/lxc; printf '/dev/ttyUSB0 dev/ttyUSB0 none bind,optional,create=file 0 0\n' >var/lib/lxc/110.fstab; printf 'hostname: z2m\nonboot: 1\nlxc.mount.fstab: /var/lib/lxc/110.fstab\n' >etc/pve/lxc/110.conf
