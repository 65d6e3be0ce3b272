mkdir -p etc/pve/qemu-server etc/pve/lxc etc/pve/mapping etc/pve/nodes/pve; ln -sfn nodes/pve etc/pve/local; echo pve >etc/hostname
q=etc/pve/qemu-server
echo '90 36 0:77 / /mnt/borg ro,nosuid,nodev,relatime shared:9 - fuse borgfs ro,user_id=0,group_id=0,default_permissions' >>proc/1/mountinfo; printf 'name: win\nmemory: 1024\nhostpci0: 0000:02:00,pcie=1,x-vga=1\n' >$q/105.conf
