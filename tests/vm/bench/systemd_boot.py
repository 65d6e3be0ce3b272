"""A guest that systemd-boot starts under UEFI, as Proxmox VE does from ZFS: what systemd_boot and loader_systemd_boot share."""

import gzip
import subprocess
import tempfile
from pathlib import Path

from .deaths import Deaths

TOOL = Path(__file__).parent.parent / "scenarios/proxmox-boot-tool"
LOADER = "/usr/lib/systemd/boot/efi/systemd-bootx64.efi"
PARTITION = "1234-ABCD"
NOTE = "/run/hostsplit/boots.env"


class SystemdBootDeaths(Deaths):
    """The entries of Proxmox VE and the one that is counted."""

    loader = "systemd-boot"
    uefi = True

    def __init__(self, bench, check, product, drivers):
        super().__init__(bench, check, product, NOTE, drivers)

    def edit(self, parameters):
        on_partition(self.bench, "sed -i '/hostsplit=off/! s|^options *|options  " + parameters + " |' loader/entries/proxmox-*.conf; sync")

    def damage_image(self):
        on_partition(self.bench, 'truncate -s 3M EFI/proxmox/"$(uname -r)"/initrd.img-*; sync')

    def counts_anew(self):
        return super().counts_anew() and counted_entry(self.bench) == ["proxmox-hostsplit+2.conf"]

    def leave_entries_alone(self):
        self.bench.run("systemctl stop hostsplit-boot-count; sync")  # at a clean shutdown it would write the entry anew


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


def on_partition(bench, command):
    """What a command of the shell prints whose directory is the partition."""
    return bench.run(f"mount /dev/disk/by-uuid/{PARTITION} /mnt; cd /mnt; {command}; cd /; umount /mnt", 180).out


def entries(bench):
    """Entries of the menu by name, with their words."""
    out = on_partition(bench, "cd loader/entries; grep '^options ' -H *")
    return {name: set(words.split()[1:]) for name, _, words in (line.partition(":") for line in out.splitlines())}


def counted_entry(bench):
    """Names of the entries that are counted: one."""
    return [name for name in entries(bench) if name.startswith("proxmox-hostsplit+")]
