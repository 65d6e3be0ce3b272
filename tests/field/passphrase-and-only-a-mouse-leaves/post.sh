mkdir -p etc; printf 'root_crypt UUID=aa none luks\n' >etc/crypttab
