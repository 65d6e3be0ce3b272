mkdir -p run/udev/data etc/pve/qemu-server; n=$(cat sys/class/block/sdb/dev); printf 'E:ID_FS_TYPE=LVM2_member\nE:LVM_VG_NAME_COMPLETE=data\n' >run/udev/data/b$n; printf 'E:ID_FS_TYPE=LVM2_member\nE:LVM_VG_NAME_COMPLETE=data\n' >run/udev/data/b$(cat sys/class/block/sda4/dev)
printf 'lvm: data\n\tvgname data\n\tcontent images,rootdir\n' >etc/pve/storage.cfg
printf 'cores: 1\nmemory: 1024\nname: nas\nscsi1: data:vm-105-disk-0,size=4G\n' >etc/pve/qemu-server/105.conf
