mkdir -p etc/pve/qemu-server etc/pve/lxc etc/pve/mapping etc/pve/nodes/pve; ln -sfn nodes/pve etc/pve/local; echo pve >etc/hostname
q=etc/pve/qemu-server
vm() { printf 'memory: 1024\n%b' "$2" >$q/$1.conf; }
vm 105 'hostpci0: 0000:02:00,pcie=1,x-vga=1\n'
vm 106 'hostpci0: 02:00.0,pcie=1,x-vga=1\nhostpci1: 02:00.1\nhostpci2: 02:00.2\nhostpci3: 02:00.3\n'
vm 107 'hostpci0: 0000:02:00.0;0000:02:00.1;0000:02:00.2;0000:02:00.3,pcie=1\n'
printf 'gpu\n\tmap id=10de:1e84,iommugroup=2,node=pve,path=0000:02:00,subsystem-id=0000:0000\n' >etc/pve/mapping/pci.cfg
vm 108 'hostpci0: mapping=gpu,pcie=1\n'
vm 109 'hostpci0: 0000:02:00.0;0000:02:00.1\n'
