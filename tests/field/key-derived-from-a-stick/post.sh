mkdir -p etc; printf 'keyvol LABEL=KV none luks,initramfs\nroot_crypt UUID=aa keyvol luks,initramfs,keyscript=decrypt_derived\n' >etc/crypttab
