mkdir -p etc/modprobe.d; printf 'install xhci_pci /bin/false\n' >etc/modprobe.d/no-usb.conf
