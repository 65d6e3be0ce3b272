mkdir -p etc; printf 'data UUID=bb /data.key:LABEL=KEYS luks,nofail\n' >etc/crypttab
