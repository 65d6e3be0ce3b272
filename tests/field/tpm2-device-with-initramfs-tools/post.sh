mkdir -p usr/sbin etc/initramfs-tools/hooks; printf '#!/bin/sh\n' >usr/sbin/update-initramfs; chmod +x usr/sbin/update-initramfs
printf 'root_crypt UUID=aa none luks,tpm2-device=auto\n' >etc/crypttab
