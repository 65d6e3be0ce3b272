"""A host that systemd-boot starts under UEFI, as Proxmox VE does from ZFS: words on the kernel command line by
/etc/kernel/cmdline, script and plan in the image that lies on the partition, and an entry without all that."""

import gzip
import subprocess
import tempfile
from pathlib import Path

from bench.article import X2, X3
from bench.product import Product

TOPOLOGY = "article"
SUBJECTS = ("agent/core/boot/", "config/", "debian/")
SECONDS = 300
MEMORY = 6

TOOL = Path(__file__).parent / "proxmox-boot-tool"
LOADER = "/usr/lib/systemd/boot/efi/systemd-bootx64.efi"
PARTITION = "1234-ABCD"
WORDS = ("hugepagesz=1G", "hugepages=4", "iommu=pt")  # two on each of two nodes
CONFIG = f"""
[host]
keep_free = "2GiB"
iommu = "pt"
[vm.101]
node = 0
memory = "2GiB"
[vm.102]
node = 1
memory = "2GiB"
controllers = ["{X2}"]
"""
# What systemd-boot reads once and forgets (systemd.io, Boot Loader Interface): four bytes of attributes, then UTF-16, all in
# one write.
ONE_SHOT = "/sys/firmware/efi/efivars/LoaderEntryOneShot-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"


def run(bench, check):
    product = Product(bench)
    to_systemd_boot(bench)
    line = bench.get("/proc/cmdline").decode()
    check("systemd-boot starts the host", r"initrd=\EFI\proxmox" in line and bench.run("test -d /sys/firmware/efi").rc == 0, line)
    before = product.etc(), product.sysfs(), entries(bench)
    full_partition(bench, check, product, before)
    applied(bench, check, product)
    with_words(bench, check, product)
    without_hostsplit(bench, check, product)
    kernels_go(bench, check)
    undo(bench, check, product, before)


def to_systemd_boot(bench):
    """The partition is a stick; what the image of the bench itself starts from is left as it is."""
    bench.run("sed -i 's/ iommu=pt//' /etc/default/grub.d/bench.cfg")
    bench.plug("x0", "1", "ESP", "256M", bootindex=0)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "esp"
        subprocess.run(["mkfs.vfat", "-C", path, "-i", PARTITION.replace("-", ""), str(255 * 1024)], check=True, capture_output=True)
        (Path(directory) / "esp.gz").write_bytes(gzip.compress(path.read_bytes()))
        bench.put(Path(directory) / "esp.gz", "/root/esp.gz")
    bench.put(TOOL, "/usr/sbin/proxmox-boot-tool")
    bench.put(LOADER, "/root/systemd-boot")
    disk = bench.disk_of("ESP")
    bench.run(f"gunzip -c /root/esp.gz >{disk}; sync; udevadm trigger --settle -s block", 120)
    bench.run(f"""set -e
        chmod +x /usr/sbin/proxmox-boot-tool
        mount /dev/disk/by-uuid/{PARTITION} /mnt
        mkdir -p /mnt/EFI/BOOT /mnt/EFI/proxmox /mnt/loader/entries
        cp /root/systemd-boot /mnt/EFI/BOOT/BOOTX64.EFI
        printf 'timeout 3\\ndefault proxmox-*\\n' >/mnt/loader/loader.conf
        umount /mnt
        mkdir -p /etc/kernel /etc/initramfs/post-update.d
        echo {PARTITION} >/etc/kernel/proxmox-boot-uuids
        printf '#!/bin/sh\\nproxmox-boot-tool refresh\\n' >/etc/initramfs/post-update.d/proxmox-boot-sync
        chmod +x /etc/initramfs/post-update.d/proxmox-boot-sync
        sed 's/BOOT_IMAGE=[^ ]* *//; s/ iommu=pt//' /proc/cmdline >/etc/kernel/cmdline
        proxmox-boot-tool refresh""", 300)
    bench.power_off()
    bench.start("article", uefi=True)


def entries(bench):
    """Entries of the menu by name, with their words."""
    out = bench.run(f"mount /dev/disk/by-uuid/{PARTITION} /mnt; cd /mnt/loader/entries; grep '^options ' -H *; cd /; umount /mnt").out
    return {name: set(words.split()[1:]) for name, _, words in (line.partition(":") for line in out.splitlines())}


def has_words(words):
    return set(WORDS) <= set(words)


def off_entry(bench):
    return [name for name in entries(bench) if name.startswith("hostsplit-off-")]


def full_partition(bench, check, product, before):
    """One that has no room for the entry and for an image that grows: nothing is done, in particular not half of it."""
    product.configure(CONFIG, boot="initramfs")
    bench.run(f"mount /dev/disk/by-uuid/{PARTITION} /mnt; dd if=/dev/zero of=/mnt/filler bs=1M 2>/dev/null; umount /mnt", 180)
    refused = product.run("apply --yes", 900)
    check("a full partition: apply fails before its first step, and says how much is missing",
          refused.rc == 1 and "are needed" in refused.out + refused.err, refused)
    check("drivers and pools are as before", product.sysfs() == before[1], product.sysfs())
    check("and the menu", entries(bench) == before[2], entries(bench))
    bench.run(f"mount /dev/disk/by-uuid/{PARTITION} /mnt; rm /mnt/filler; umount /mnt")


def applied(bench, check, product):
    product.configure(CONFIG, boot="initramfs")
    done = product.run("apply --yes", 900)
    check("apply succeeds", done.rc == 0, done)
    menu = entries(bench)
    ours, theirs = ([words for name, words in menu.items() if name.startswith(start)] for start in ("hostsplit-off-", "proxmox-"))
    check("the entry of the kernel has the words", len(theirs) == 1 and has_words(theirs[0]), menu)
    check("beside it is one without hostsplit", len(ours) == 1 and "hostsplit=off" in ours[0] and not ours[0] & set(WORDS)
          and any(word.startswith("root=") for word in ours[0]), menu)
    check("a second apply has nothing to do", product.run("plan --check").rc == 0, product.run("plan").out)
    check("a reboot is pending", product.json("status")["pending_reboot"] is True)


def with_words(bench, check, product):
    bench.reboot()
    line = bench.get("/proc/cmdline").decode()
    check("by itself systemd-boot chooses the kernel with the words", has_words(line.split()) and "hostsplit=off" not in line, line)
    check("the pages are there per node", (product.pages(0), product.pages(1)) == (2, 2), product.sysfs())
    for address in (X2, X3):
        touched = product.kernel_log(f"xhci_hcd {address}")
        check(f"{address}: xhci_hcd never had it", not touched, touched)
    check("they are with vfio-pci", {product.drivers()[a] for a in (X2, X3)} == {"vfio-pci"}, product.drivers())
    status = product.json("status")
    check("nothing is pending", status["pending_reboot"] is False and product.run("plan --check").rc == 0, status)


def without_hostsplit(bench, check, product):
    name = off_entry(bench)[0]
    bench.run(f"{{ printf '\\007\\000\\000\\000'; printf '{name}\\0' | iconv -t UTF-16LE; }} >/root/once; cat /root/once >{ONE_SHOT}")
    bench.reboot()
    line = bench.get("/proc/cmdline").decode()
    check("the entry without hostsplit boots", "hostsplit=off" in line and not set(line.split()) & set(WORDS), line)
    check("the host has all controllers and all memory", set(product.drivers().values()) == {"xhci_hcd"}
          and (product.pages(0), product.pages(1)) == (0, 0), product.sysfs())
    bench.reboot()
    check("the next boot is with hostsplit again", "hostsplit=off" not in bench.get("/proc/cmdline").decode())


def kernels_go(bench, check):
    """A kernel of the past is gone, and another program has taken the entry away."""
    name = off_entry(bench)[0]
    bench.run(f"mount /dev/disk/by-uuid/{PARTITION} /mnt; cd /mnt/loader/entries; mv {name} hostsplit-off-5.15.1-1-pve.conf; "
              "cd /; umount /mnt; /etc/kernel/postinst.d/zzz-hostsplit")
    check("the hook of kernel packages keeps one entry for each kernel", off_entry(bench) == [name], entries(bench))
    order = bench.run("run-parts --list /etc/kernel/postinst.d").out.split()
    check("and it is the last to run", order[-1] == "/etc/kernel/postinst.d/zzz-hostsplit", order)


def undo(bench, check, product, before):
    product.undo(check, before[0])
    check("drivers, overrides and pools are as before", product.sysfs() == before[1], product.sysfs())
    check("the menu is as before", entries(bench) == before[2], entries(bench))
