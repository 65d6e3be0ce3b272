mkdir -p etc/dropbear/initramfs; echo 'sda3_crypt UUID=aaaa none luks' >etc/crypttab; echo k >etc/dropbear/initramfs/authorized_keys
