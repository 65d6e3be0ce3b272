mkdir -p etc/pve/qemu-server etc/pve/lxc etc/pve/mapping etc/pve/nodes/pve; ln -sfn nodes/pve etc/pve/local; echo pve >etc/hostname
q=etc/pve/qemu-server
mkdir -p dev/disk/by-id; ln -s ../../sdb dev/disk/by-id/ata-WDC_A; printf 'name: nas\nmemory: 1024\nmachine: q35\nhostpci0: 0000:02:00.0,pcie=1\nscsi0: local-lvm:vm-101-disk-0,size=32G\nscsi1: /dev/disk/by-id/ata-WDC_A,size=4T\n' >$q/101.conf
