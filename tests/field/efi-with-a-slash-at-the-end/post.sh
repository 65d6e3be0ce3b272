mkdir -p etc dev/disk/by-uuid; ln -s ../../sdb dev/disk/by-uuid/ABCD-1234; printf 'UUID=ABCD-1234 /boot/efi/ vfat noauto,umask=0077 0 1\n' >etc/fstab
