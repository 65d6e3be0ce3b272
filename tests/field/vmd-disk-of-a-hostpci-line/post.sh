mkdir -p etc/pve/qemu-server etc/pve/lxc etc/pve/mapping etc/pve/nodes/pve; ln -sfn nodes/pve etc/pve/local; echo pve >etc/hostname
q=etc/pve/qemu-server
printf 'ssd\n\tmap id=144d:a80a,iommugroup=4,node=pve,path=10000:e1:00.0,subsystem-id=0000:0000\n' >etc/pve/mapping/pci.cfg
printf 'name: nas\nmemory: 1024\nhostpci0: 10000:e1:00.0,pcie=1\n' >$q/106.conf
printf 'name: slot\nmemory: 1024\nhostpci0: 10000:e1:00\n' >$q/107.conf
printf 'name: mapped\nmemory: 1024\nhostpci0: mapping=ssd\n' >$q/108.conf
printf 'name: args\nmemory: 1024\nargs: -device vfio-pci,sysfsdev=/sys/bus/pci/devices/10000:e1:00.0\n' >$q/109.conf
printf 'name: gone\nmemory: 1024\nhostpci0: 10000:e2:00.0\n' >$q/110.conf
