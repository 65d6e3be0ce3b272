mkdir -p etc; echo 'sda3_crypt UUID=aaaa none luks' >etc/crypttab
