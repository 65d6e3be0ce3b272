mkdir -p run/udev/data; printf 'E:ID_FS_TYPE=LVM2_member\nE:LVM_VG_NAME_COMPLETE=usbvg\n' >run/udev/data/b$(cat sys/class/block/sdb/dev)
mkdir -p etc; printf '/dev/usbvg/data /srv/data ext4 defaults 0 2\n' >etc/fstab
