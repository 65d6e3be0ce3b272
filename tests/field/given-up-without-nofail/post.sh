mkdir -p dev/disk/by-uuid; ln -s ../../sdb dev/disk/by-uuid/11111111-2222-3333-4444-555555555555
mkdir -p etc; printf 'UUID=11111111-2222-3333-4444-555555555555 /srv/data ext4 defaults 0 2\n' >etc/fstab
