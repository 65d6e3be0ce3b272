mkdir -p run/udev/data etc/pve/qemu-server; n=$(cat sys/class/block/sdb/dev); printf 'E:ID_FS_TYPE=zfs_member\nE:ID_FS_LABEL=tank\n' >run/udev/data/b$n
printf 'zfspool: vmtank\n\tpool tank/vms\n\tcontent images,rootdir\n' >etc/pve/storage.cfg
printf 'cores: 1\nmemory: 1024\nname: nas\nonboot: 1\nscsi1: vmtank:vm-105-disk-0,size=4G\n' >etc/pve/qemu-server/105.conf
