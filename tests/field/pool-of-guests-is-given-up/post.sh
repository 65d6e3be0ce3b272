mkdir -p etc/pve/qemu-server etc/pve/lxc etc/pve/mapping etc/pve/nodes/pve; ln -sfn nodes/pve etc/pve/local; echo pve >etc/hostname
q=etc/pve/qemu-server
printf 'zfspool: nvz\n\tpool nvpool\n\tcontent images,rootdir\n' >etc/pve/storage.cfg; printf 'name: db\nmemory: 1024\nonboot: 1\nscsi0: nvz:vm-105-disk-0,size=32G\n' >$q/105.conf
