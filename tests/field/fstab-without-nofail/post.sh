mkdir -p etc dev/disk/by-uuid; for i in b c d; do ln -s ../../sd$i dev/disk/by-uuid/0000-000$i; done
printf 'UUID=0000-000b /mnt/backup ext4 defaults 0 2\nUUID="0000-000c" /mnt/c ext4 nofail 0 2\nUUID=0000-000d /mnt/d ext4 noauto 0 0\n' >etc/fstab
