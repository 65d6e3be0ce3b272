udev() { mkdir -p run/udev/data; n=$(cat sys/class/block/$1/dev); shift; printf 'E:%s\n' "$@" >>run/udev/data/b$n; }
udev sdb1 ID_PART_ENTRY_TYPE=6a898cc3-1dd2-11b2-99a6-080020736631
mkdir -p etc/zfs dev/disk/by-id; ln -s ../../sda2 dev/disk/by-id/ata-A-part2
s() { n=${#1}; printf '\0\0\0'; printf "\\$(printf %03o $n)"; printf %s "$1"; while [ $((n % 4)) -ne 0 ]; do printf '\0'; n=$((n+1)); done; }
p() { printf '\0\0\0\100\0\0\0\100'; s "$1"; printf '\0\0\0\11\0\0\0\1'; s "$2"; }
{ printf '\1\0\0\0'; p name tank; p type disk; p path /dev/disk/by-id/ata-A-part2; } >etc/zfs/zpool.cache
