mkdir -p etc/pve/qemu-server etc/pve/lxc etc/pve/nodes/pve; ln -sfn nodes/pve etc/pve/local; q=etc/pve/qemu-server; l=etc/pve/lxc
cat >etc/pve/qemu-server/105.conf <<'E'
name: ha
memory: 1024
onboot: 1
args: -device '{"driver":"usb-host","vendorid":"0x10c4","productid":"0xea60","id":"zb"}'
E
