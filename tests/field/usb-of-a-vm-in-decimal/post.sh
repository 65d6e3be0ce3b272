mkdir -p etc/pve/qemu-server etc/pve/lxc etc/pve/nodes/pve; ln -sfn nodes/pve etc/pve/local; q=etc/pve/qemu-server; l=etc/pve/lxc
printf 'name: ha\nmemory: 1024\nargs: -device usb-host,vendorid=4292,productid=60000,id=zb\n' >etc/pve/qemu-server/105.conf
