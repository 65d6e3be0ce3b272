mkdir -p usr/sbin etc/initramfs-tools/hooks; printf '#!/bin/sh\n' >usr/sbin/update-initramfs; chmod +x usr/sbin/update-initramfs
printf 'data UUID=bb none luks\n' >etc/crypttab; printf '/dev/mapper/data /srv ext4 defaults 0 2\n' >etc/fstab
