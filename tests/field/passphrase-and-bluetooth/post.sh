mkdir -p etc; printf 'root_crypt UUID=aa none luks,tpm2-device=auto,tpm2-pin=yes\n' >etc/crypttab
