mkdir -p run/udev/data; printf 'E:ID_FS_TYPE=LVM2_member\nE:LVM_VG_NAME_COMPLETE=pve\n' >run/udev/data/b$(cat sys/class/block/sdb/dev)
mkdir -p run/udev/data; printf 'E:ID_FS_TYPE=LVM2_member\nE:LVM_VG_NAME_COMPLETE=pve\n' >run/udev/data/b$(cat sys/class/block/sda3/dev)
