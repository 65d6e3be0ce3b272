mkdir -p etc/pve/qemu-server etc/pve/lxc etc/pve/nodes/pve; ln -sfn nodes/pve etc/pve/local; q=etc/pve/qemu-server; l=etc/pve/lxc
mkdir -p dev/disk/by-label; ln -s ../../sdb dev/disk/by-label/USBSTORE
mkdir -p run/udev/data; printf 'E:ID_FS_TYPE=ext4\nE:ID_FS_LABEL=USBSTORE\n' >run/udev/data/b$(cat sys/class/block/sdb/dev)
printf 'dir: usb\n\tpath /mnt/usb\n\tis_mountpoint 1\n\tcontent images\n' >etc/pve/storage.cfg
printf 'name: nas\nmemory: 1024\nonboot: 1\nscsi1: usb:105/vm-105-disk-0.qcow2,size=4G\n' >etc/pve/qemu-server/105.conf
