mkdir -p usr/sbin etc/initramfs-tools/hooks; printf '#!/bin/sh\n' >usr/sbin/update-initramfs; chmod +x usr/sbin/update-initramfs
mkdir -p etc/initramfs-tools/scripts/local-top; printf '#!/bin/sh\nmount -r /dev/disk/by-label/KEYS /mnt && cp /mnt/root.key /run/root.key\n' >etc/initramfs-tools/scripts/local-top/key-stick; chmod +x etc/initramfs-tools/scripts/local-top/key-stick; echo '30 1 0:25 / /run rw,nosuid - tmpfs tmpfs rw,size=3G' >>proc/1/mountinfo; printf 'root_crypt UUID=aa /run/root.key luks,initramfs\n' >etc/crypttab
mkdir -p dev/disk/by-label; ln -s ../../sdb dev/disk/by-label/KEYS
