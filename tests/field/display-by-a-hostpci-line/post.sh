mkdir -p etc/pve/qemu-server; printf "bios: ovmf\nmachine: q35\nmemory: 8192\nonboot: 1\nhostpci0: 0000:01:00.0,pcie=1,x-vga=1\nhostpci1: 0000:02:00.0,pcie=1\n" >etc/pve/qemu-server/101.conf
