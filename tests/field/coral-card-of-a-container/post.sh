mkdir -p etc/pve/qemu-server etc/pve/lxc etc/pve/nodes/pve; ln -sfn nodes/pve etc/pve/local; q=etc/pve/qemu-server; l=etc/pve/lxc
p=sys/devices/pci0000:00/0000:00:1c.0/0000:07:00.0/apex/apex_0; mkdir -p $p sys/class/apex; echo 120:0 >$p/dev; ln -s ../../${p#sys/} sys/class/apex/apex_0; printf 'hostname: frigate\nonboot: 1\ndev0: /dev/apex_0\n' >etc/pve/lxc/110.conf
