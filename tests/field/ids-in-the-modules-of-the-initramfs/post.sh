mkdir -p etc/initramfs-tools etc/modprobe.d; printf 'vfio\nvfio_iommu_type1\nvfio_pci ids=1b21:2142\n' >etc/initramfs-tools/modules; touch etc/modprobe.d/empty.conf
