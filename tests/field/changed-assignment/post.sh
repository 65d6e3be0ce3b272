# 02:00.0 was given away earlier and is not wanted any more
d=sys/devices/pci0000:00/0000:00:1c.0/0000:02:00.0
rm -rf $d/usb* sys/bus/pci/drivers/xhci_hcd/0000:02:00.0 $d/driver; for l in sys/bus/usb/devices/*; do [ -e $l ] || rm $l; done
mkdir -p sys/bus/pci/drivers/vfio-pci var/lib/hostsplit/journal; ln -s ../../../../bus/pci/drivers/vfio-pci $d/driver
sed -i 's/DRIVER=xhci_hcd/DRIVER=vfio-pci/' $d/uevent; echo vfio-pci >$d/driver_override
cat >var/lib/hostsplit/journal/baseline.toml <<'E'
version = 1
[[binding]]
address = "0000:02:00.0"
driver = "xhci_hcd"
root = '\_SB_.PCI0'
chain = "1c.0/00.0"
ids = "1b21:2142"
subsystem = "0000:0000"
class = "0x0c0330"
E
