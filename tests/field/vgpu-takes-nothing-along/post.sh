mkdir -p etc/pve/qemu-server etc/pve/lxc etc/pve/nodes/pve; ln -sfn nodes/pve etc/pve/local; q=etc/pve/qemu-server; l=etc/pve/lxc
printf 'name: gpu\nmemory: 1024\nonboot: 1\nmachine: q35\nhostpci0: 0000:07:00.0,mdev=nvidia-259,pcie=1\n' >etc/pve/qemu-server/105.conf
