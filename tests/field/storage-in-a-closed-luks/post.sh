mkdir -p etc/pve/qemu-server etc/pve/lxc etc/pve/nodes/pve; ln -sfn nodes/pve etc/pve/local; q=etc/pve/qemu-server; l=etc/pve/lxc
mkdir -p dev/disk/by-uuid; ln -s ../../sdb dev/disk/by-uuid/11111111-2222-3333-4444-555555555555
mkdir -p run/udev/data; printf 'E:ID_FS_TYPE=crypto_LUKS\nE:ID_FS_UUID=11111111-2222-3333-4444-555555555555\n' >run/udev/data/b$(cat sys/class/block/sdb/dev)
printf 'usb_crypt UUID=11111111-2222-3333-4444-555555555555 none luks,noauto\n' >etc/crypttab; printf 'lvmthin: usbthin\n\tthinpool data\n\tvgname usbvg\n\tcontent images\n' >etc/pve/storage.cfg
printf 'name: nas\nmemory: 1024\nscsi1: usbthin:vm-105-disk-0,size=4G\n' >etc/pve/qemu-server/105.conf
