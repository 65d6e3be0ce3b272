mkdir -p etc/modprobe.d; printf 'options vfio-pci ids=1B21:2142\n' >etc/modprobe.d/vfio.conf
