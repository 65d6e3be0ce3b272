mkdir -p etc/pve/qemu-server etc/hostsplit/boot; printf "cores: 1\nmemory: 1024\nhostpci0: 0000:05:00.0,pcie=1\n" >etc/pve/qemu-server/101.conf
printf 'version 1\nfloor keep_free=1048576\nbind 0000:05:00.0 root=\\_SB_.PCI0 chain=1c.0/00.0 ids=1b21:2142 subsystem=0000:0000 class=0x0c0330 vm=101 why=controller\n' >etc/hostsplit/boot/plan
