mkdir -p etc/pve/qemu-server etc/pve/lxc dev/disk/by-id dev
ln -s ../../sdb dev/disk/by-id/usb-a; ln -s sr0 dev/cdrom
q=etc/pve/qemu-server; l=etc/pve/lxc
printf 'name: a\nscsi1: cache=none,file=/dev/disk/by-id/usb-a,size=4T\n' >$q/105.conf
printf 'name: b\nide2: cdrom,media=cdrom\n' >$q/106.conf
printf 'name: c\nargs: -drive file=/dev/sdc,format=raw,if=none,id=x -device virtio-blk,drive=x\n' >$q/107.conf
b=$(cat sys/bus/usb/devices/*-1/idProduct | head -0; for d in sys/bus/usb/devices/*-1; do grep -q 0105 $d/idProduct && echo $d; done)
printf 'name: d\nargs: -device usb-host,hostbus=%s,hostaddr=%s\n' "$(cat $b/busnum)" "$(cat $b/devnum)" >$q/108.conf
printf 'name: e\nusb0: host=0x1a6e:0x089a\n' >$q/109.conf
printf 'hostname: f\nmp0: /dev/sdd,mp=/data\n' >$l/110.conf
printf 'hostname: g\nlxc.mount.entry: /dev/bus/usb dev/bus/usb none bind,optional,create=dir\n' >$l/111.conf
mkdir -p dev/serial/by-id; ln -s ../../ttyUSB0 dev/serial/by-id/usb-Zigbee
printf 'hostname: h\nlxc.mount.entry: /dev/serial/by-id dev/serial/by-id none bind,create=dir\n' >$l/112.conf
printf 'hostname: i\nlxc.cgroup2.devices.allow: c 189:* rwm\n' >$l/113.conf
printf 'hostname: j\nlxc.net.0.type: phys\nlxc.net.0.link: enx020000000001\n' >$l/114.conf
