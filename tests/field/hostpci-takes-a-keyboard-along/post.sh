mkdir -p etc/pve/qemu-server; printf 'name: a\nonboot: 1\nmemory: 1024\nhostpci0: 0000:00:1f.3\n' >etc/pve/qemu-server/105.conf
