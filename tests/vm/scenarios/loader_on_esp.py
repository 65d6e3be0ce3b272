"""/boot is on LVM, as Proxmox VE installs it by default, where GRUB can read and not write: it counts boots on the EFI system
partition. Without one it does not count, and doctor says so. With one: the four ways to die."""

from bench.grub_count import CONFIG, MENU, GrubDeaths
from bench.product import Product

TOPOLOGY = "article"
SUBJECTS = ("agent/core/boot/boot_count", "config/grub/")
SECONDS = 1100
PROVEN = False
MEMORY = 10

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
    without_esp(bench, check, product)
    bench.run("mkdir -p /boot/efi && echo 'LABEL=ESP /boot/efi vfat umask=0077 0 1' >>/etc/fstab && systemctl daemon-reload && "
              "mount /boot/efi")
    deaths = GrubDeaths(bench, check, product, COUNT)
    deaths.split(CONFIG)
    deaths.damaged_image()
    deaths.init_that_panics()
    deaths.less_memory()
    deaths.parameters_far_too_large()
    undone = product.run("undo --yes", 900)
    check("undo takes the count away", undone.rc == 0 and bench.run("ls -A /boot/efi").out == "", undone)


def without_esp(bench, check, product):
    product.configure(CONFIG, boot="initramfs")
    check("apply without an EFI system partition", product.run("apply --yes", 900).rc == 0)
    check("GRUB does not count", bench.run(f"grep -c hostsplit_boots {MENU}", check=False).out.strip() == "0")
    found = [f["code"] for f in product.json("doctor")["findings"]]
    check("and doctor says so", "boot-loader-cannot-count" in found, found)
    check("undo", product.run("undo --yes", 900).rc == 0)
