mkdir -p etc
printf "root_crypt UUID=aa cryptroot luks,discard,initramfs,keyscript=decrypt_keyctl\nsecond UUID=bb cryptroot luks,keyscript=decrypt_keyctl\n" >etc/crypttab
