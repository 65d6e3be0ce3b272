mkdir -p etc/modprobe.d usr/local/lib/modprobe.d; touch etc/modprobe.d/empty.conf; printf 'options vfio-pci ids=1b21:2142\n' >usr/local/lib/modprobe.d/vfio.conf
