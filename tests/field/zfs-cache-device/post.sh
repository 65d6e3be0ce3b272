udev() { mkdir -p run/udev/data; n=$(cat sys/class/block/$1/dev); shift; printf 'E:%s\n' "$@" >>run/udev/data/b$n; }
udev sda2 ID_FS_UUID=1234567890123456789
udev nvme0n1p1 ID_FS_TYPE=zfs_member ID_FS_UUID_SUB=777
echo 1234567890123456789 >proc/spl/kstat/zfs/tank/guid
mkdir -p etc/zfs dev/disk/by-id; ln -s ../../sda2 dev/disk/by-id/ata-A-part2
s() { n=${#1}; printf '\0\0\0'; printf "\\$(printf %03o $n)"; printf %s "$1"; while [ $((n % 4)) -ne 0 ]; do printf '\0'; n=$((n+1)); done; }
p() { printf '\0\0\0\100\0\0\0\100'; s "$1"; printf '\0\0\0\11\0\0\0\1'; s "$2"; }
{ printf '\1\0\0\0'; p name tank; p type disk; p path /dev/disk/by-id/ata-A-part2; } >etc/zfs/zpool.cache
