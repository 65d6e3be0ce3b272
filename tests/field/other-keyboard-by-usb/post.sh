mkdir -p etc/pve/qemu-server; printf 'name: win\nonboot: 1\nmemory: 1024\nusb0: host=045e:00dd\n' >etc/pve/qemu-server/105.conf
