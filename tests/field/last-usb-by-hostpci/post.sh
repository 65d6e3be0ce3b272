mkdir -p etc/pve/qemu-server; printf 'name: win\nonboot: 1\nmemory: 1024\nhostpci0: 0000:02:00\n' >etc/pve/qemu-server/105.conf
