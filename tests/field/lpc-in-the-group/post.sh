d=sys/devices/pci0000:00/0000:00:1f.0; mkdir -p $d; printf 'DRIVER=lpc_ich\nPCI_CLASS=60100\nPCI_ID=8086:A305\nPCI_SUBSYS_ID=0000:0000\n' >$d/uevent
ln -s ../../../devices/pci0000:00/0000:00:1f.0 sys/bus/pci/devices/0000:00:1f.0; ln -s ../../../kernel/iommu_groups/16 $d/iommu_group
