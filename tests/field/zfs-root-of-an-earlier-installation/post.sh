udev() { mkdir -p run/udev/data; n=$(cat sys/class/block/$1/dev); shift; printf 'E:%s\n' "$@" >run/udev/data/b$n; }
udev sda3 ID_FS_TYPE=zfs_member ID_FS_LABEL=rpool ID_FS_UUID=1234567890123456789
udev nvme0n1p3 ID_FS_TYPE=zfs_member ID_FS_LABEL=rpool ID_FS_UUID=9876543210987654321
echo 1234567890123456789 >proc/spl/kstat/zfs/rpool/guid
echo '28 1 0:26 / / rw,relatime shared:1 - zfs rpool/ROOT/pve-1 rw,xattr,posixacl' >>proc/1/mountinfo
