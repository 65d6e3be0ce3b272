mkdir -p etc/zfs dev/disk/by-id; ln -s ../../sda2 dev/disk/by-id/ata-A
s() { n=${#1}; printf '\0\0\0'; printf "\\$(printf %03o $n)"; printf %s "$1"; while [ $((n % 4)) -ne 0 ]; do printf '\0'; n=$((n+1)); done; }
p() { printf '\0\0\0\100\0\0\0\100'; s "$1"; printf '\0\0\0\11\0\0\0\1'; s "$2"; }
{ printf '\1\0\0\0'; p name tank; p type disk; p path /dev/disk/by-id/ata-A; p type disk; p path /dev/disk/by-id/usb-gone; } >etc/zfs/zpool.cache
