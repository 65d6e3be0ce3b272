mkdir -p etc/pve/qemu-server; printf "cores: 1\nmemory: 1024\nhostpci0: 00:17\n" >etc/pve/qemu-server/300.conf
