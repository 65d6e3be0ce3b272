udev() { mkdir -p run/udev/data; n=$(cat sys/class/block/$1/dev); shift; printf 'E:%s\n' "$@" >>run/udev/data/b$n; }
rm -f run/udev/data/b$(cat sys/class/block/sda3/dev); udev sda3 ID_FS_TYPE=zfs_member ID_FS_LABEL=rpool ID_FS_UUID=1234567890123456789
udev nvme0n1p3 ID_FS_TYPE=zfs_member ID_FS_LABEL=rpool ID_FS_UUID=9876543210987654321
echo '28 1 0:26 / / rw,relatime shared:1 - zfs rpool/ROOT/pve-1 rw,xattr,posixacl' >>proc/1/mountinfo
mkdir -p etc/zfs dev/disk/by-id; ln -s ../../sda3 dev/disk/by-id/ata-A-part3
s() { n=${#1}; printf '\0\0\0'; printf "\\$(printf %03o $n)"; printf %s "$1"; while [ $((n % 4)) -ne 0 ]; do printf '\0'; n=$((n+1)); done; }
p() { printf '\0\0\0\100\0\0\0\100'; s "$1"; printf '\0\0\0\11\0\0\0\1'; s "$2"; }
{ printf '\1\0\0\0'; p name rpool; p type disk; p path /dev/disk/by-id/ata-A-part3; } >etc/zfs/zpool.cache
