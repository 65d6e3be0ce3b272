"""A boot that dies before any program of hostsplit runs, on a host that systemd-boot starts: it counts them down in the name
of an entry, and the third starts without hostsplit by itself. Two ways to die and restart, two that hang."""

import time

from bench.article import X2, X3
from bench.product import Product
from bench.systemd_boot import NOTE, PARTITION, SystemdBootDeaths, counted_entry, entries, on_partition, to_systemd_boot

TOPOLOGY = "article"
SUBJECTS = ("agent/core/boot/boot_count", "config/systemd-boot/", "agent/service/reconciler/boot_watch", "systemd/hostsplit-boot")
SECONDS = 1400
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


def run(bench, check):
    product = Product(bench)
    to_systemd_boot(bench)
    before = entries(bench), on_partition(bench, "find . -type d | sort")
    deaths = SystemdBootDeaths(bench, check, product, {X2: "vfio-pci", X3: "vfio-pci"})
    deaths.split(CONFIG)
    check("the image from before is there, too", on_partition(bench, "ls EFI/hostsplit").startswith("initrd.img-"))
    deaths.damaged_image()
    deaths.init_that_panics()
    deaths.less_memory()
    deaths.parameters_far_too_large()
    cut_while_it_counts(bench, check, product, deaths)
    cut_while_set_back(bench, check, product, deaths)
    pinned(bench, check, product, deaths)
    undone = product.run("undo --yes", 900)
    now = entries(bench), on_partition(bench, "find . -type d | sort")
    check("undo: the partition is as before", undone.rc == 0 and now == before, (undone, before, now))


def cut_while_it_counts(bench, check, product, deaths):
    """Power cuts around the moment at which systemd-boot writes the name of the entry, seconds each way."""
    bench.power_off()
    for seconds in range(4, 22, 3):
        bench.flicker(seconds)
    bench.start("article", uefi=True)
    left, line = counted_entry(bench), bench.get("/proc/cmdline").decode()
    check("after six cuts the host comes up, and there is one entry that is counted", len(left) == 1, (left, entries(bench)))
    check("without hostsplit only if no try was left", "hostsplit=off" not in line or left[0].startswith("proxmox-hostsplit+0-"),
          (left, line))
    if "hostsplit=off" in line:
        check("apply starts again", product.run("apply --yes", 900).rc == 0 and deaths.counts_anew(), deaths.now())
        bench.reboot()
    check("and the split is there", deaths.in_place() and deaths.healthy(), (product.sysfs(), entries(bench)))


def cut_while_set_back(bench, check, product, deaths):
    """Power cuts while the name is written back: the host starts whatever it has then, and there is one such entry again."""
    again = (f"while :; do mount /dev/disk/by-uuid/{PARTITION} /mnt; mv /mnt/loader/entries/proxmox-hostsplit+*.conf "
             "/mnt/loader/entries/proxmox-hostsplit+1-1.conf; umount /mnt; /usr/libexec/hostsplit/boot-entries healthy; done")
    for seconds in (4, 5):
        bench.spawn(again, f"set-back-{seconds}")
        time.sleep(seconds)
        bench.power_cut()
        check(f"after a cut at {seconds} s everything is in place", deaths.in_place(), (product.sysfs(), entries(bench)))
    bench.reboot()
    check("and the host is healthy", deaths.in_place() and deaths.healthy(), entries(bench))


def pinned(bench, check, product, deaths):
    """A kernel that the owner has pinned is what starts: nothing is counted, and doctor says so."""
    on_partition(bench, "sed -i 's/^default .*/default proxmox-'$(uname -r)'.conf/' loader/loader.conf; sync")
    bench.reboot()
    line = bench.get("/proc/cmdline").decode()
    check("a pinned kernel starts", "hostsplit=off" not in line and deaths.in_place(), line)
    check("and is not counted", counted_entry(bench) == [] and bench.run(f"test -e {NOTE}", check=False).rc != 0, entries(bench))
    found = [f["code"] for f in product.json("doctor")["findings"]]
    check("doctor says so", "boot-loader-cannot-count" in found, found)
    on_partition(bench, "sed -i 's/^default .*/default proxmox-*/' loader/loader.conf; sync")
