mkdir -p etc; echo 'sda3_crypt UUID=aaaa none luks,tpm2-device=auto' >etc/crypttab
