chmod +x etc/rc.local
