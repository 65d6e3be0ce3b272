mkdir -p etc dev/disk/by-label
ln -s ../../sdb dev/disk/by-label/HDR
printf "root_crypt UUID=aa none luks,header=/media/hdr/root.hdr\n" >etc/crypttab
printf "LABEL=HDR /media/hdr vfat noauto,ro 0 0\n" >etc/fstab
