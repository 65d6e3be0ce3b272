mkdir -p dev/disk/by-uuid; ln -s ../../sdb dev/disk/by-uuid/11111111-2222-3333-4444-555555555555
mkdir -p etc; printf 'UUID=11111111-2222-3333-4444-555555555555 /mnt/usb ext4 nofail 0 2\n/mnt/usb/export /srv/export none bind 0 0\n' >etc/fstab; n=$(cat sys/class/block/sdb/dev); echo "60 1 $n /export /srv/export rw,relatime - ext4 /dev/sdb rw" >>proc/1/mountinfo
