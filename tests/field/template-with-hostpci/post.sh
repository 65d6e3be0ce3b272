mkdir -p etc/pve/qemu-server etc/pve/lxc etc/pve/nodes/pve; ln -sfn nodes/pve etc/pve/local; q=etc/pve/qemu-server; l=etc/pve/lxc
printf 'name: tpl\nmemory: 1024\ntemplate: 1\nhostpci0: 0000:07:00.0\n' >etc/pve/qemu-server/900.conf
