mkdir -p etc/pve/qemu-server; printf 'name: a\nargs: -device vfio-pci,host=0000:00:17.0,id=x\n' >etc/pve/qemu-server/105.conf
