mkdir -p dev/disk/by-uuid; ln -s ../../sdb dev/disk/by-uuid/11111111-2222-3333-4444-555555555555
mkdir -p run/udev/data; printf 'E:ID_FS_TYPE=crypto_LUKS\nE:ID_FS_UUID=11111111-2222-3333-4444-555555555555\n' >run/udev/data/b$(cat sys/class/block/sdb/dev)
mkdir -p etc; printf 'archive UUID=11111111-2222-3333-4444-555555555555 /etc/keys/archive.key luks\n' >etc/crypttab; printf '/dev/mapper/archive /srv/archive ext4 defaults 0 2\n' >etc/fstab
