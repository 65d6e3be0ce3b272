mkdir -p run/udev/data etc/pve/lxc; n=$(cat sys/class/block/sdb/dev); printf 'E:ID_FS_TYPE=LVM2_member\nE:LVM_VG_NAME_COMPLETE=cold\n' >run/udev/data/b$n
printf 'lvmthin: usbthin\n\tthinpool data\n\tvgname cold\n\tcontent rootdir\n' >etc/pve/storage.cfg
printf 'hostname: nas\nmp0: usbthin:vm-110-disk-0,mp=/data,size=4G\nrootfs: local:110/vm-110-disk-0.raw,size=4G\n' >etc/pve/lxc/110.conf
