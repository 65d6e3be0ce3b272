d=sys/devices/pci0000:00/0000:00:02.0; mkdir -p $d sys/kernel/iommu_groups/1; printf 'DRIVER=i915\nPCI_CLASS=30000\nPCI_ID=8086:3E92\nPCI_SUBSYS_ID=0000:0000\n' >$d/uevent; echo 1 >$d/boot_vga
ln -s ../../../devices/pci0000:00/0000:00:02.0 sys/bus/pci/devices/0000:00:02.0; ln -s ../../../kernel/iommu_groups/1 $d/iommu_group
