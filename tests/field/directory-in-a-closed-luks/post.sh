mkdir -p etc/pve/qemu-server etc/pve/lxc etc/pve/nodes/pve; ln -sfn nodes/pve etc/pve/local; q=etc/pve/qemu-server; l=etc/pve/lxc
mkdir -p dev/disk/by-uuid; ln -s ../../sdb dev/disk/by-uuid/11111111-2222-3333-4444-555555555555
mkdir -p run/udev/data; printf 'E:ID_FS_TYPE=crypto_LUKS\nE:ID_FS_UUID=11111111-2222-3333-4444-555555555555\n' >run/udev/data/b$(cat sys/class/block/sdb/dev)
printf 'usb_crypt UUID=11111111-2222-3333-4444-555555555555 none luks,noauto\n' >etc/crypttab; printf '/dev/mapper/usb_crypt /mnt/usb ext4 noauto 0 2\n' >etc/fstab; printf 'dir: usb\n\tpath /mnt/usb\n\tis_mountpoint 1\n\tcontent images\n' >etc/pve/storage.cfg
printf 'name: nas\nmemory: 1024\nscsi1: usb:105/vm-105-disk-0.qcow2,size=4G\n' >etc/pve/qemu-server/105.conf
