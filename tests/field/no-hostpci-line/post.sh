mkdir -p etc/pve/qemu-server; printf "cores: 1\nmemory: 1024\nhostpci0: mapping=gpu\n" >etc/pve/qemu-server/101.conf
