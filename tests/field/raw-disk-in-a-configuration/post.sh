mkdir -p etc/pve/qemu-server dev/disk/by-id
ln -s ../../sdb dev/disk/by-id/usb-DAS-0
printf "cores: 1\nmemory: 1024\nname: nas\nscsi1: /dev/disk/by-id/usb-DAS-0,size=4T\n" >etc/pve/qemu-server/105.conf
