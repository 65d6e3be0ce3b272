"""A boot that dies before any program of hostsplit runs: GRUB counts it, and the third starts without hostsplit by itself.
Four ways to die, on a host whose /boot/grub GRUB can write to; power cuts while it counts. loader_on_esp has the count on an
EFI system partition."""

import time

from bench import eventually
from bench.article import X0, X1, X2, X3
from bench.product import Product

TOPOLOGY = "article"
SUBJECTS = ("agent/core/boot/boot_count", "config/grub/", "agent/service/reconciler/boot_watch")
SECONDS = 900
MEMORY = 10

CONFIG = f"""
[host]
keep_free = "1GiB"
pages = "command-line"
[vm.101]
node = 0
memory = "2GiB"
page_size = "2MiB"
controllers = ["{X0}"]
[vm.102]
node = 1
memory = "4GiB"
page_size = "2MiB"
controllers = ["{X2}"]
"""
SPLIT = {X0: "vfio-pci", X1: "xhci_hcd", X2: "vfio-pci", X3: "vfio-pci"}
COUNT = "/boot/grub/hostsplit.env"
MENU = "/boot/grub/grub.cfg"
# Only the entries with hostsplit; a kernel that panics restarts by itself. In front, because the first count of pages wins.
EDIT = "sed -i '/hostsplit=off/! s|^[[:blank:]]*linux[[:blank:]]*[^[:blank:]]*|& panic=2 {}|' " + MENU

DEATHS = {
    "a damaged image": "truncate -s 3M /boot/initrd.img-$(uname -r); " + EDIT.format(""),
    "an init that panics": "printf '#!/bin/sh\\nexit 1\\n' >/usr/local/sbin/panics; chmod +x /usr/local/sbin/panics; "
                           + EDIT.format("init=/usr/local/sbin/panics"),
    "parameters far too large": EDIT.format("hugepagesz=2M hugepages=9000"),
    "less memory than pages": EDIT.format(""),
}


def run(bench, check):
    product = Product(bench)
    boot = bench.run("cd /boot; find . -type f | sort | xargs sha256sum").out
    split_and_healthy(bench, check, product)
    for death, cause in DEATHS.items():
        dies(bench, check, product, death, cause)
        again(bench, check, product, death)
    owner_chooses(bench, check, product)
    power_cuts(bench, check, product)
    undone = product.run("undo --yes", 900)
    now = bench.run("cd /boot; find . -type f | sort | xargs sha256sum").out
    changed = [line for line in set(boot.splitlines()) ^ set(now.splitlines()) if "initrd" not in line]
    check("undo: /boot is as before, but for the image that was built anew", undone.rc == 0 and not changed, (undone, changed))


def small_pages(bench):
    return int(bench.run("cat /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages").out)


def counted(bench, file=COUNT):
    return bench.run(f"grep -a ^hostsplit_boots {file}", check=False).out.strip()


def healthy(bench, product, file=COUNT):
    return eventually(lambda: not counted(bench, file) and "begun=0" in bench.run(
        "cat /var/lib/hostsplit/journal/boots", check=False).out, 120)


def split_and_healthy(bench, check, product):
    product.configure(CONFIG, boot="initramfs")
    applied = product.run("apply --yes", 900)
    check("apply succeeds", applied.rc == 0, applied)
    check("GRUB can count", bench.run(f"stat -c %s {COUNT}", check=False).out.strip() == "1024")
    check("the image from before is kept", bench.run("ls /boot/initrd.img-*.hostsplit-off", check=False).rc == 0)
    bench.reboot()
    check("the boot is counted", counted(bench) == "hostsplit_boots=1", counted(bench))
    check("with everything in place", product.drivers() == SPLIT and small_pages(bench) == 3072, f"{product.drivers()} {small_pages(bench)}")
    check("and forgotten when the host is healthy", healthy(bench, product), counted(bench))


def dies(bench, check, product, death, cause):
    bench.run(cause)
    began = time.monotonic()
    if death == "less memory than pages":
        bench.power_off()
        bench.start("less-memory")
    else:
        bench.reboot()
    line = bench.get("/proc/cmdline").decode()
    check(f"{death}: the third boot comes up without hostsplit ({time.monotonic() - began:.0f} s)",
          "hostsplit=off" in line and "hugepages=" not in line, line)
    check(f"{death}: the host has every controller and all memory", set(product.drivers().values()) == {"xhci_hcd"}
          and small_pages(bench) == 0, f"{small_pages(bench)} {product.sysfs()}")
    status = product.run("status")
    check(f"{death}: status says so, exit 3", status.rc == 3 and "GRUB starts the host without hostsplit" in status.out, status)
    check(f"{death}: GRUB has given up", counted(bench) == "hostsplit_boots=given-up", counted(bench))


def again(bench, check, product, death):
    if death == "less memory than pages":
        refused = product.run("apply --yes", 900)
        check("apply is refused as long as the pages do not fit", refused.rc == 3, refused)
        bench.power_off()
        bench.start("article")
        check("and GRUB stays with it, also with the memory", "hostsplit=off" in bench.get("/proc/cmdline").decode())
    applied = product.run("apply --yes", 900)
    check(f"{death}: apply works again", applied.rc == 0, applied)
    check(f"{death}: GRUB begins to count anew", counted(bench) == "", counted(bench))
    bench.reboot()
    check(f"{death}: everything is as before", product.drivers() == SPLIT and "hostsplit=off" not in
          bench.get("/proc/cmdline").decode(), product.drivers())
    check(f"{death}: and the host is healthy", healthy(bench, product), counted(bench))


def owner_chooses(bench, check, product):
    """The entry without hostsplit by hand, three times: nobody has given up."""
    title = bench.run(f"sed -n \"s/^menuentry '\\(without hostsplit[^']*\\)'.*/\\1/p\" {MENU} | head -n 1").out.strip()
    for number in (1, 2, 3):
        bench.run(["grub-reboot", title])
        bench.reboot()
        check(f"chosen by hand, time {number}", "hostsplit=off" in bench.get("/proc/cmdline").decode())
        check(f"a healthy boot is not counted, whichever entry it was, time {number}",
              eventually(lambda: not counted(bench), 120), counted(bench))
    bench.reboot()
    check("by itself the host starts with hostsplit", product.drivers() == SPLIT, product.drivers())


def power_cuts(bench, check, product):
    """Cuts around the moment at which GRUB writes, a fraction of a second each way."""
    for tenths in range(20, 80, 10):
        bench.flicker(tenths / 10)
    bench.start("article")
    count = counted(bench)
    check("after six cuts the host comes up, and the file GRUB writes to is whole", bench.run(f"head -c 24 {COUNT}; stat -c %s {COUNT}").out
          == "# GRUB Environment Block1024\n" and count.removeprefix("hostsplit_boots=") in ("1", "2", "given-up"), count)
    if "hostsplit=off" in bench.get("/proc/cmdline").decode():
        check("apply starts again", product.run("apply --yes", 900).rc == 0 and counted(bench) == "", counted(bench))
        bench.reboot()
    check("and the split is there", product.drivers() == SPLIT and healthy(bench, product), product.drivers())
