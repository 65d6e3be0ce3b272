mkdir -p etc; echo 'data UUID=bbbb /data.key:LABEL=KEYS luks' >etc/crypttab
