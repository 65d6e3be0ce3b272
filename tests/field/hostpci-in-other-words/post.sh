mkdir -p etc/pve/qemu-server etc/pve/mapping; ln -s nodes/pve etc/pve/local; q=etc/pve/qemu-server
printf 'name: a\nhostpci0: 00:17,pcie=1\n' >$q/105.conf
printf 'name: b\nhostpci1: 0000:02:00.0;0000:00:17.0\n' >$q/106.conf
printf 'name: c\nhostpci0: mapping=sata,pcie=1\n' >$q/107.conf
printf 'name: d\nhostpci0: host=0000:00:17\n' >$q/108.conf
printf 'name: e\nhostpci0: 0000:00:1f.3\n' >$q/109.conf
printf 'sata\n\tmap id=8086:a352,iommugroup=5,node=pve,path=0000:00:17.0,subsystem-id=0000:0000\n' >etc/pve/mapping/pci.cfg
