mkdir -p etc/modprobe.d; touch etc/modprobe.d/empty.conf; sed -i 's/$/ modprobe.blacklist=xhci_pci,xhci_hcd/' proc/cmdline
