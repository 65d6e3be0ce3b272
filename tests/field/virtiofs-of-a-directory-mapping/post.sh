mkdir -p etc/pve/qemu-server etc/pve/lxc etc/pve/nodes/pve; ln -sfn nodes/pve etc/pve/local; q=etc/pve/qemu-server; l=etc/pve/lxc
mkdir -p dev/disk/by-label; ln -s ../../sdb dev/disk/by-label/USB
mkdir -p etc/pve/mapping; printf 'share\n\tmap node=pve,path=/mnt/usb/share\n' >etc/pve/mapping/directory.cfg; printf 'LABEL=USB /mnt/usb ext4 noauto,x-systemd.automount 0 2\n' >etc/fstab; echo '41 1 0:44 / /mnt/usb rw,relatime shared:1 - autofs systemd-1 rw,fd=62,direct' >>proc/1/mountinfo
printf 'name: nas\nmemory: 1024\nonboot: 1\nvirtiofs0: share\n' >etc/pve/qemu-server/105.conf
