"""/boot is on LVM, as Proxmox VE installs it by default, where GRUB can read and not write: it counts boots on the EFI system
partition. Without one it does not count, and doctor says so."""

from bench import eventually
from bench.article import X2, X3
from bench.grub_count import MENU, PANICS, counted
from bench.product import Product

TOPOLOGY = "article"
SUBJECTS = ("agent/core/boot/boot_count", "config/grub/")
SECONDS = 500
PROVEN = False
MEMORY = 3

COUNT = "/boot/efi/hostsplit.env"
MOVE = r"""
set -e
vgcreate -qy pve {disk}
lvcreate -qy -n boot -l 100%FREE pve
mkfs.ext4 -q /dev/pve/boot
mount /dev/pve/boot /mnt
cp -a /boot/. /mnt/
umount /mnt
mkfs.vfat -n ESP {esp} >/dev/null
echo '/dev/pve/boot /boot ext4 defaults 0 2' >>/etc/fstab
systemctl daemon-reload
mount /boot
grub-install --target=i386-pc /dev/vda
update-grub
"""


def run(bench, check):
    product = Product(bench)
    bench.plug("x1", "1", "BOOT", "1G")
    bench.plug("x1", "2", "ESP", "64M")
    disks = {name: bench.disk_of(serial) for name, serial in (("disk", "BOOT"), ("esp", "ESP"))}
    bench.run(["/bin/bash", "-c", MOVE.format(**disks)], 300)
    bench.reboot()
    check("/boot is on LVM", bench.run("grub-probe --target=abstraction /boot/grub").out.strip() == "lvm")
    product.configure(f'[vm.102]\ncontrollers = ["{X2}"]\n', boot="initramfs")
    without_esp(bench, check, product)
    with_esp(bench, check, product)
    dies(bench, check, product)
    undone = product.run("undo --yes", 900)
    check("undo takes the count away", undone.rc == 0 and bench.run("ls -A /boot/efi").out == "", undone)


def without_esp(bench, check, product):
    check("apply without an EFI system partition", product.run("apply --yes", 900).rc == 0)
    check("GRUB does not count", bench.run(f"grep -c hostsplit_boots {MENU}", check=False).out.strip() == "0")
    found = [f["code"] for f in product.json("doctor")["findings"]]
    check("and doctor says so", "boot-loader-cannot-count" in found, found)
    check("undo", product.run("undo --yes", 900).rc == 0)


def with_esp(bench, check, product):
    bench.run("mkdir -p /boot/efi && echo 'LABEL=ESP /boot/efi vfat umask=0077 0 1' >>/etc/fstab && systemctl daemon-reload && "
              "mount /boot/efi")
    check("apply with one", product.run("apply --yes", 900).rc == 0)
    check("the count is there", bench.run(f"stat -c %s {COUNT}", check=False).out.strip() == "1024")
    found = [f["code"] for f in product.json("doctor")["findings"]]
    check("doctor has nothing to say of it", "boot-loader-cannot-count" not in found, found)
    bench.reboot()
    check("the boot is counted", counted(bench, COUNT) == "hostsplit_boots=1", counted(bench, COUNT))
    check("and forgotten when the host is healthy", eventually(lambda: not counted(bench, COUNT), 120), counted(bench, COUNT))


def dies(bench, check, product):
    bench.run(f"{PANICS}; sed -i '/hostsplit=off/! s|^[[:blank:]]*linux[[:blank:]].*|& panic=2 init=/usr/local/sbin/panics|' {MENU}")
    bench.reboot()
    line = bench.get("/proc/cmdline").decode()
    check("the third boot comes up without hostsplit", "hostsplit=off" in line, line)
    check("the host has every controller", set(product.drivers().values()) == {"xhci_hcd"}, product.drivers())
    check("GRUB has given up", counted(bench, COUNT) == "hostsplit_boots=given-up", counted(bench, COUNT))
    check("apply works again", product.run("apply --yes", 900).rc == 0 and counted(bench, COUNT) == "", counted(bench, COUNT))
    bench.reboot()
    drivers = product.drivers()
    check("the VM has its controllers", drivers[X2] == drivers[X3] == "vfio-pci", drivers)
