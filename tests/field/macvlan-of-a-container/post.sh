mkdir -p etc/pve/lxc; printf 'hostname: ha\nonboot: 1\nlxc.net.0.type: macvlan\nlxc.net.0.macvlan.mode: bridge\nlxc.net.0.link: enx02\nlxc.net.0.flags: up\n' >etc/pve/lxc/110.conf
