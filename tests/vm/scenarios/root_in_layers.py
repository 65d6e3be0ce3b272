"""The host's own root file system where people really have it: on a volume group (Proxmox VE's default), below it LUKS, whose key
is on a stick. The disk is a stick on one controller, the key a stick on another: neither can be given away, under whatever
name. A third controller can, and the host boots on with it."""

from bench.article import X0, X1, X2, X3
from bench.product import Product

TOPOLOGY = "article"
SUBJECTS = ("agent/core/usb/guards", "agent/host/inventory/", "config/initramfs/")
SECONDS = 500
MEMORY = 3

# The first root file system stays as the place of /boot, where GRUB looks.
MOVE = r"""
set -e
mkfs.vfat -n KEYS {key} >/dev/null
udevadm trigger --settle -s block
mount {key} /srv
dd if=/dev/urandom of=/srv/root.key bs=64 count=1 status=none
cryptsetup luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 {disk} /srv/root.key
cryptsetup open --key-file /srv/root.key {disk} cryptroot
umount /srv
vgcreate -qy pve /dev/mapper/cryptroot
lvcreate -qy -n root -l 100%FREE pve
mkfs.ext4 -q /dev/pve/root
mount /dev/pve/root /mnt
echo "cryptroot UUID=$(cryptsetup luksUUID {disk}) /dev/disk/by-label/KEYS:/root.key luks,keyscript=passdev,initramfs" >>/etc/crypttab
printf '%s\n' dm_mod dm_crypt xts aes_generic vfat nls_cp437 nls_ascii nls_utf8 >>/etc/initramfs-tools/modules
echo 'GRUB_CMDLINE_LINUX="root=/dev/mapper/pve-root"' >/etc/default/grub.d/root.cfg
update-grub
update-initramfs -u
mkdir -p /first
tar --one-file-system --exclude=./var/cache/apt -C / -cf - . | tar -C /mnt -xpf -
printf '%s\n' '/dev/mapper/pve-root / ext4 defaults 0 1' 'LABEL=pvehost /first ext4 defaults 0 2' \
    '/first/boot /boot none bind 0 0' >/mnt/etc/fstab
umount /mnt
sync
"""


def run(bench, check):
    product = Product(bench)
    bench.plug("x1", "1", "ROOT", "5G")
    bench.plug("x0", "1", "KEYS", "64M")
    disks = {name: bench.disk_of(serial) for name, serial in (("disk", "ROOT"), ("key", "KEYS"))}
    bench.run(["/bin/bash", "-c", MOVE.format(**disks)], 900)
    bench.reboot()
    root = bench.run("findmnt -no SOURCE /").out.strip()
    check("the root file system is a volume below which is LUKS below which is a stick", root == "/dev/mapper/pve-root", root)

    stays(check, product, "the disk", X1, "/ is mounted from it", "/")
    stays(check, product, "the stick with the key", X0, "the key of cryptroot", "the key of cryptroot")
    product.configure(f'[vm.101]\ncontrollers = ["{X2}"]\n', boot="initramfs")
    applied = product.run("apply --yes", 900)
    check("a controller without any of it is given away", applied.rc == 0, applied)
    bench.reboot()
    drivers = product.drivers()
    check("the host boots on from its own root, and the VM has its controller at once",
          bench.run("findmnt -no SOURCE /").out.strip() == root
          and [drivers[a] for a in (X0, X1, X2, X3)] == ["xhci_hcd", "xhci_hcd", "vfio-pci", "vfio-pci"], drivers)
    check("undo", product.run("undo --yes", 900).rc == 0)


def stays(check, product, why, address, words, name):
    """Refused, and not to be had by its name either."""
    before = product.sysfs()
    product.configure(f'[vm.101]\ncontrollers = ["{address}"]\n')
    refused = product.run("apply --yes")
    check(f"{why}: refused, exit 3, and named", refused.rc == 3 and words in refused.out, refused)
    product.configure(f'[host]\nmay_lose = ["{name}", "ROOT", "cryptroot"]\n[vm.101]\ncontrollers = ["{address}"]\n')
    again = product.run("apply --yes")
    check(f"{why}: not given up under any name", again.rc in (2, 3) and product.sysfs() == before, again)
