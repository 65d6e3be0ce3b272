"""A boot that dies before any program of hostsplit runs, on a host that systemd-boot starts: it counts them down in the name
of an entry, and the third starts without hostsplit by itself. Two ways to die and restart, two that hang."""

from bench import eventually
from bench.article import X2, X3
from bench.grub_count import PANICS, counted, fell_back, small_pages
from bench.product import Product
from bench.systemd_boot import entries, on_partition, to_systemd_boot

TOPOLOGY = "article"
SUBJECTS = ("agent/core/boot/boot_count", "config/systemd-boot/", "agent/service/reconciler/boot_watch", "systemd/hostsplit-boot")
SECONDS = 1200
PROVEN = False
MEMORY = 10

CONFIG = f"""
[host]
keep_free = "1GiB"
pages = "command-line"
[vm.101]
node = 0
memory = "2GiB"
page_size = "2MiB"
[vm.102]
node = 1
memory = "4GiB"
page_size = "2MiB"
controllers = ["{X2}"]
"""
PAGES = 3072
NOTE = "/run/hostsplit/boots.env"


def run(bench, check):
    product = Product(bench)
    to_systemd_boot(bench)
    before = entries(bench), on_partition(bench, "find . -type d | sort")
    split_and_healthy(bench, check, product)
    restarts(bench, check, product, "a damaged image", "panic=2", 'truncate -s 3M EFI/proxmox/"$(uname -r)"/initrd.img-*')
    bench.run(PANICS)
    restarts(bench, check, product, "an init that panics", "panic=2 init=/usr/local/sbin/panics", "true")
    less_memory(bench, check, product)
    hangs(bench, check, product, "parameters far too large", "hugepagesz=2M hugepages=9000")  # of 16 GiB
    pinned(bench, check, product)
    undone = product.run("undo --yes", 900)
    now = entries(bench), on_partition(bench, "find . -type d | sort")
    check("undo: the partition is as before", undone.rc == 0 and now == before, (undone, before, now))


def edit_entries(bench, parameters):
    """In front, because the first count of pages wins; the entries of Proxmox VE and the one that is counted."""
    on_partition(bench, "sed -i '/hostsplit=off/! s|^options *|options  " + parameters + " |' loader/entries/proxmox-*.conf; sync")


def entry(bench):
    return [name for name in entries(bench) if name.startswith("proxmox-hostsplit+")]


def healthy(bench):
    """Whether both counts are soon set back."""
    return eventually(lambda: not counted(bench, NOTE) and entry(bench) == ["proxmox-hostsplit+2.conf"] and "begun=0" in bench.run(
        "cat /var/lib/hostsplit/journal/boots", check=False).out, 120)


def in_place(bench, product):
    drivers = product.drivers()
    return drivers[X2] == drivers[X3] == "vfio-pci" and small_pages(bench) == PAGES and "hostsplit=off" not in bench.get(
        "/proc/cmdline").decode()


def split_and_healthy(bench, check, product):
    product.configure(CONFIG, boot="initramfs")
    applied = product.run("apply --yes", 900)
    check("apply succeeds", applied.rc == 0, applied)
    check("an entry is counted, nothing has begun", entry(bench) == ["proxmox-hostsplit+2.conf"] and not counted(bench, NOTE),
          entries(bench))
    found = [f["code"] for f in product.json("doctor")["findings"]]
    check("doctor has nothing to say of it", "boot-loader-cannot-count" not in found, found)
    bench.reboot()
    check("the boot is counted", counted(bench, NOTE) == "hostsplit_boots=1", (counted(bench, NOTE), entries(bench)))
    check("with everything in place", in_place(bench, product), product.sysfs())
    check("and forgotten when the host is healthy", healthy(bench), (counted(bench, NOTE), entries(bench)))
    check("the image from before is there, too", on_partition(bench, "ls EFI/hostsplit").startswith("initrd.img-"))


def restarts(bench, check, product, death, parameters, command):
    """A kernel that panics restarts by itself."""
    bench.run("systemctl stop hostsplit-boot-count; sync")  # at a clean shutdown it would write the entry anew
    edit_entries(bench, parameters)
    on_partition(bench, command + "; sync")
    bench.reboot()
    fell_back(bench, check, product, death, "systemd-boot", NOTE)
    starts_again(bench, check, product, death)


def hangs(bench, check, product, death, parameters):
    bench.run("systemctl stop hostsplit-boot-count; sync")
    edit_entries(bench, parameters)
    bench.power_off()
    for _ in range(2):
        bench.flicker(90)
    bench.start("article", uefi=True)
    fell_back(bench, check, product, death, "systemd-boot", NOTE)
    starts_again(bench, check, product, death)


def less_memory(bench, check, product):
    death = "less memory than pages"
    bench.power_off()
    for _ in range(2):
        bench.flicker(90, "less-memory")
    bench.start("less-memory", uefi=True)
    fell_back(bench, check, product, death, "systemd-boot", NOTE)
    refused = product.run("apply --yes", 900)
    check(f"{death}: apply is refused as long as they do not fit", refused.rc == 3, refused)
    bench.power_off()
    bench.start("article", uefi=True)
    check("systemd-boot stays with it, also with the memory", "hostsplit=off" in bench.get("/proc/cmdline").decode())
    starts_again(bench, check, product, death)


def starts_again(bench, check, product, death):
    """apply, and the next boot is with hostsplit."""
    applied = product.run("apply --yes", 900)
    check(f"{death}: apply works again", applied.rc == 0, applied)
    check(f"{death}: the count begins anew", not counted(bench, NOTE) and entry(bench) == ["proxmox-hostsplit+2.conf"],
          entries(bench))
    bench.reboot()
    check(f"{death}: everything is as before", in_place(bench, product), product.sysfs())
    check(f"{death}: and the host is healthy", healthy(bench), (counted(bench, NOTE), entries(bench)))


def pinned(bench, check, product):
    """A kernel that the owner has pinned is what starts: nothing is counted, and doctor says so."""
    on_partition(bench, "sed -i 's/^default .*/default proxmox-'$(uname -r)'.conf/' loader/loader.conf; sync")
    bench.reboot()
    line = bench.get("/proc/cmdline").decode()
    check("a pinned kernel starts", "hostsplit=off" not in line and in_place(bench, product), line)
    check("and is not counted", entry(bench) == [] and bench.run(f"test -e {NOTE}", check=False).rc != 0, entries(bench))
    found = [f["code"] for f in product.json("doctor")["findings"]]
    check("doctor says so", "boot-loader-cannot-count" in found, found)
    on_partition(bench, "sed -i 's/^default .*/default proxmox-*/' loader/loader.conf; sync")
