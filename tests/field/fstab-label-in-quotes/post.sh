mkdir -p etc dev/disk/by-label; ln -s ../../sdb 'dev/disk/by-label/USB\x20Data'; printf 'LABEL="USB\\040Data" /srv/data ext4 defaults 0 2\n' >etc/fstab
