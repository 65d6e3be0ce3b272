mkdir -p etc dev/disk/by-label dev/disk/by-id
ln -s ../../sdb dev/disk/by-id/usb-header; ln -s ../../sdd dev/disk/by-label/KEYS
printf 'root_crypt UUID=aa /etc/keys/root.key luks,header=/dev/disk/by-id/usb-header\n' >etc/crypttab
printf 'scripted UUID=bb none luks,keyscript=/usr/local/sbin/key-from-stick\n' >>etc/crypttab
printf 'media UUID=cc /media/keys/media.key luks,nofail\n' >>etc/crypttab
printf 'LABEL=KEYS /media/keys vfat noauto,ro 0 0\n' >etc/fstab
