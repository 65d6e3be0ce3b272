"""What is in use, in every shape that hides the disk below it: LVM, btrfs, md, LUKS, bridges, other mount namespaces, loop
devices, programs. A controller that carries a part of it is refused, by the name of what would be lost, and nothing moves;
when it is no more in use the same controller may go."""

from dataclasses import dataclass

from bench import eventually
from bench.article import X0, X1
from bench.product import Product

TOPOLOGY = "article"
SUBJECTS = ("agent/core/usb/", "agent/core/machine/", "agent/host/inventory/")
SECONDS = 150
PROVEN = False
MEMORY = 2


@dataclass(frozen=True)
class Shape:
    """Shell lines with {a} on X0 and {b} on X1; what the finding of each controller that must stay says."""

    name: str
    begin: str
    end: str
    said: dict
    code: str = "group-lifeline"


MOUNTED = {X0: "/srv is mounted", X1: "/srv is mounted"}
SHAPES = [
    Shape("a volume group over two sticks",
          "vgcreate -qy data {a} {b} && lvcreate -qy -n both -l 100%FREE data && mkfs.ext4 -q /dev/data/both && mount /dev/data/both /srv",
          "umount /srv && vgremove -qfy data && pvremove -qy {a} {b}", MOUNTED),
    Shape("btrfs over two sticks", "mkfs.btrfs -qf -m raid1 -d raid1 {a} {b} && mount {a} /srv", "umount /srv && wipefs -qa {a} {b}",
          MOUNTED),
    Shape("a mirror of md",
          "mdadm --create /dev/md7 --quiet --run --level=1 --metadata=1.2 --raid-devices=2 {a} {b} </dev/null && "
          "mkfs.ext4 -q /dev/md7 && mount /dev/md7 /srv",
          "umount /srv && mdadm --quiet --stop /dev/md7 && mdadm --zero-superblock {a} {b}", MOUNTED),
    Shape("LUKS",
          "echo secret | cryptsetup luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file - {a} && "
          "echo secret | cryptsetup open --key-file - {a} safe && mkfs.ext4 -q /dev/mapper/safe && mount /dev/mapper/safe /srv",
          "umount /srv && cryptsetup close safe && wipefs -qa {a}", {X0: "/srv is mounted"}),
    Shape("the key of a volume in crypttab on a stick",
          "mkfs.vfat -n KEYS {a} >/dev/null && udevadm trigger --settle -s block && "
          "echo 'data /dev/vda9 /dev/disk/by-label/KEYS:/data.key luks,keyscript=passdev' >>/etc/crypttab",
          "sed -i '/KEYS/d' /etc/crypttab && wipefs -qa {a} && udevadm trigger --settle -s block", {X0: "the key of data"}),
    Shape("a swap file on a stick",
          "mkfs.ext4 -q {b} && mount {b} /srv && dd if=/dev/zero of=/srv/swap bs=1M count=8 status=none && chmod 600 /srv/swap && "
          "mkswap -q /srv/swap && swapon /srv/swap",
          "swapoff /srv/swap && umount /srv && wipefs -qa {b}", {X1: "the host swaps to it"}),
    Shape("a file system mounted in a namespace of its own",
          "mkfs.ext4 -q {a} && systemd-run -q --unit=apart unshare -m sh -c 'mount {a} /srv && exec sleep 1000' && "
          "until grep -q /srv /proc/$(systemctl show -P MainPID apart)/mountinfo; do sleep 0.2; done",
          "systemctl stop apart; wipefs -qa {a}", {X0: "/srv of process"}),
    Shape("a loop device on a stick that was unmounted lazily",
          "mkfs.ext4 -q {a} && mount {a} /srv && truncate -s 4M /srv/image && losetup /dev/loop7 /srv/image && umount -l /srv",
          "losetup -d /dev/loop7; wipefs -qa {a}", {X0: ""}),
    Shape("a disk that a program holds open", "systemd-run -q --unit=holder sh -c 'exec sleep 1000 <{a}' && sleep 1",
          "systemctl stop holder", {X0: "sleep"}),
    Shape("the raw disk of a running VM",  # by the name of its process: -id is an option of Proxmox VE's own QEMU only
          "systemd-run -q --unit=vm105 qemu-system-x86_64 -nodefaults -display none -accel tcg -S -m 64 "
          "-drive if=virtio,format=raw,file={a} && until fuser -s {a}; do sleep 0.2; done",
          "systemctl stop vm105", {X0: "qemu-system"}),
]


def run(bench, check):
    product = Product(bench)
    sticks = {"a": plugged(bench, "x0", "STICKA"), "b": plugged(bench, "x1", "STICKB")}
    before = product.sysfs()
    for shape in SHAPES:
        bench.run("set -e; " + shape.begin.format(**sticks), 180)
        for address, words in shape.said.items():
            refused(check, product, f"{shape.name}: {address} stays", address, words, shape.code)
        ended = bench.run(shape.end.format(**sticks), 60, check=False)
        for address in shape.said:
            product.configure(split(address))
            free = eventually(lambda: product.run("plan").rc == 0, 20)
            check(f"{shape.name}: ended, {address} may go", free, f"{ended} {product.run('plan').out}")
    bridge(bench, check, product)
    check("nothing has moved", product.sysfs() == before, product.sysfs())


def plugged(bench, controller, serial):
    """The disk of a stick in port 1, by its name in /dev."""
    bench.plug(controller, "1", serial, "256M")
    link = bench.disk_of(serial)
    return bench.run(f"readlink -f {link}").out.strip()


def bridge(bench, check, product):
    """vmbr9 over a bond over a network card on USB."""
    # The guest's own settings are for every card, and a card with settings is the host's network.
    bench.run("sed -i 's/^Type=ether/&\\nName=!enx* enp*u*/' /etc/systemd/network/80-ether.network")
    bench.device_add("usb-net", "usbnic", bus="x0.0", port="2")
    on_usb = "udevadm settle; cd /sys/class/net; for i in *; do case $(readlink -f $i) in *usb*) echo $i;; esac; done"
    name = eventually(lambda: bench.run(on_usb).out.strip(), 60)
    bench.run(f"set -e; ip link add bond9 type bond; ip link set {name} down; ip link set {name} master bond9; "
              "ip link add vmbr9 type bridge; ip link set bond9 master vmbr9; "
              f"ip addr add 10.9.9.1/24 dev vmbr9; for i in {name} bond9 vmbr9; do ip link set $i up; done")
    refused(check, product, "a bridge over a bond over a card on USB", X0, "network runs over it", "group-lifeline")
    bench.run("ip link del vmbr9; ip link del bond9")
    product.configure(split(X0))
    check("without the bridge the card may go", eventually(lambda: product.run("plan").rc == 0, 20), product.run("plan"))
    bench.device_del("usbnic")


def split(address):
    return f'[vm.101]\ncontrollers = ["{address}"]\n'


def refused(check, product, why, address, words, code):
    """apply exits 3, and an error of that code says these words of that controller."""
    product.configure(split(address))
    result = product.run("apply --yes")
    found = [f for f in product.json("plan")["findings"] if f["severity"] == "error"]
    check(why, result.rc == 3 and any(f["code"] == code and words in f["message"] for f in found), f"rc {result.rc} {found}")
