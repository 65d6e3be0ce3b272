"""The two kinds of IOMMU and none: on an AMD machine learn, apply, a reboot, undo; on one whose IOMMU is off nothing is
given away, it is said what to switch on, and when it is on the same apply does it."""

from bench import eventually
from bench.article import X0, X1, X2, X3
from bench.grub_count import healthy
from bench.product import Product

TOPOLOGY = "amd"
START = "off"  # QEMU cannot save a guest with this IOMMU
SUBJECTS = ("agent/core/usb/claims", "agent/host/act/", "agent/host/inventory/pci", "config/initramfs/")
SECONDS = 500
MEMORY = 3

SPLIT = f'[vm.101]\nports = ["front-1"]\n[vm.102]\ncontrollers = ["{X2}"]\n'
GIVEN = {X0: "vfio-pci", X2: "vfio-pci", X3: "vfio-pci", X1: "xhci_hcd"}


def run(bench, check):
    bench.start("amd")
    bench.install()
    product = Product(bench)
    before = product.etc(), product.sysfs()
    amd(bench, check, product)
    off_in_the_firmware(bench, check, product)
    product.undo(check, before[0])
    check("drivers are as before", product.sysfs() == before[1], product.sysfs())
    off_by_a_parameter(bench, check, product)


def amd(bench, check, product):
    check("the IOMMU is AMD's", bench.run("ls -d /sys/class/iommu/ivhd*", check=False).rc == 0, bench.run("ls /sys/class/iommu").out)
    job = bench.spawn("hostsplit learn --labels front-1 --timeout 120", "learn")
    eventually(lambda: "Plug a USB stick" in job.output(), 60)
    bench.plug("x0", "1", "S1")
    check("front-1 is learned", job.wait(60) == 0, job.output())
    bench.unplug("S1")
    product.configure(SPLIT, boot="initramfs")
    applied = product.run("apply --yes", 900)
    check("apply binds by groups", applied.rc == 0 and product.drivers() == GIVEN, f"{applied} {product.drivers()}")
    bench.reboot()
    check("after the reboot all of them are on vfio-pci", product.drivers() == GIVEN, product.drivers())
    early = bench.run("cat /run/hostsplit/init-top", check=False).out
    check("the script in the initramfs bound them", all(address in early for address in (X0, X2, X3)), early)
    check("status is content", product.run("status").rc == 0, product.run("status").out)
    check("and the host is healthy", healthy(bench))


def off_in_the_firmware(bench, check, product):
    """Applied, and then somebody resets the firmware: the host lives, and everything comes back with the IOMMU."""
    bench.power_off()
    bench.start("no-iommu")
    check("no function is in a group", not bench.run("ls /sys/kernel/iommu_groups").out.strip())
    found = {f["code"]: f for f in product.json("doctor")["findings"]}
    check("doctor says what to switch on", "iommu-off" in found and "firmware" in found["iommu-off"]["remedy"], found)
    refused = product.run("apply --yes", 300)
    check("apply is refused, and names the firmware", refused.rc == 3 and "no-iommu" in refused.out and "firmware" in refused.out, refused)
    keyboard = [address for address, driver in product.drivers().items() if driver == "xhci_hcd"]
    check("the host has its own controller", X1 in keyboard, product.drivers())
    check("a boot without it is a healthy one, too", healthy(bench))
    bench.power_off()
    bench.start("amd")
    check("with the IOMMU the split is there again", eventually(lambda: product.drivers() == GIVEN, 60), product.drivers())


def off_by_a_parameter(bench, check, product):
    bench.put_text("/etc/default/grub.d/off.cfg", 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX amd_iommu=off"\n')
    bench.run("update-grub", 180)
    bench.reboot()
    product.configure(SPLIT)
    refused = product.run("apply --yes")
    check("a parameter that switches it off is named", refused.rc == 3 and "Take amd_iommu=off out" in refused.out, refused)
    bench.run("rm /etc/default/grub.d/off.cfg; update-grub", 180)
    bench.reboot()
    applied = product.run("apply --yes")
    check("without it apply does everything", applied.rc == 0 and product.drivers() == GIVEN, f"{applied} {product.drivers()}")
    check("undo", product.run("undo --yes").rc == 0)
