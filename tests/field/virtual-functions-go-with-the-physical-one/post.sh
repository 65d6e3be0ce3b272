mkdir -p etc/pve/qemu-server etc/pve/lxc etc/pve/mapping etc/pve/nodes/pve; ln -sfn nodes/pve etc/pve/local; echo pve >etc/hostname
q=etc/pve/qemu-server
printf 'memory: 1024\nhostpci0: 0000:02:10.0\n' >$q/105.conf
printf 'memory: 1024\nhostpci0: 0000:02:10.1\n' >$q/106.conf
mkdir -p run/qemu-server proc/4106/fd dev/vfio; echo 4106 >run/qemu-server/106.pid; echo kvm >proc/4106/comm
printf '/usr/bin/kvm\0-id\000106\0' >proc/4106/cmdline; touch dev/vfio/35; ln -s /dev/vfio/35 proc/4106/fd/40
