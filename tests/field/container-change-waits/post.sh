mkdir -p etc/pve/lxc; printf 'hostname: z\nmemory: 512\n\n[pve:pending]\ndev0: /dev/ttyUSB0,gid=20\n' >etc/pve/lxc/108.conf
