mkdir -p etc/pve/qemu-server
printf 'name: a\nmemory: 1024\n\n[PENDING]\nusb0: host=10c4:ea60\n' >etc/pve/qemu-server/105.conf
