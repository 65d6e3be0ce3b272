mkdir -p etc/pve/qemu-server etc/pve/lxc etc/pve/nodes/pve; ln -sfn nodes/pve etc/pve/local; q=etc/pve/qemu-server; l=etc/pve/lxc
mkdir -p run/udev/data; printf 'E:ID_FS_TYPE=LVM2_member\nE:LVM_VG_NAME_COMPLETE=usbvg\n' >run/udev/data/b$(cat sys/class/block/sdb/dev)
printf 'name: nas\nmemory: 1024\nscsi1: /dev/usbvg/nas,size=4T\n' >etc/pve/qemu-server/105.conf
