mkdir -p etc/pve/qemu-server etc/pve/lxc etc/pve/mapping etc/pve/nodes/pve; ln -sfn nodes/pve etc/pve/local; echo pve >etc/hostname
q=etc/pve/qemu-server
printf 'memory: 1024\nonboot: 1\nhostpci0: 0000:02:00.1\n' >$q/105.conf
printf 'memory: 1024\nargs: -device vfio-pci,host=02:00.1\n' >$q/106.conf
printf 'memory: 1024\n' >$q/107.conf
printf 'memory: 1024\ntemplate: 1\nhostpci0: 0000:02:00.1\n' >$q/108.conf
printf 'memory: 1024\nhostpci0: 0000:02:00.0\n' >$q/101.conf
