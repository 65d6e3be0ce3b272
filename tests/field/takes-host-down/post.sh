sed -i 's/PCI_ID=1B21:2142/PCI_ID=1022:15B8/' sys/devices/pci0000:00/0000:00:1c.0/0000:02:00.0/uevent
