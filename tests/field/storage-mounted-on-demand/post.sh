mkdir -p etc/pve/qemu-server dev/disk/by-label; ln -s ../../sdb dev/disk/by-label/usbstore; printf 'LABEL=usbstore /mnt/usb ext4 noauto,x-systemd.automount,x-systemd.idle-timeout=5min 0 2\n' >etc/fstab; echo '41 1 0:44 / /mnt/usb rw,relatime shared:1 - autofs systemd-1 rw,fd=62,pgrp=1,timeout=300,minproto=5,maxproto=5,direct' >>proc/1/mountinfo
printf 'dir: usb\n\tpath /mnt/usb\n\tis_mountpoint 1\n\tcontent images,backup\n' >etc/pve/storage.cfg
printf 'cores: 1\nmemory: 1024\nname: nas\nscsi1: usb:105/vm-105-disk-0.qcow2,size=4G\n' >etc/pve/qemu-server/105.conf
