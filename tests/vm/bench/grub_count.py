"""A split whose pages and image GRUB boots, how often it was begun, and the entry without it: what the scenarios about boots
that die and owners share."""

from . import eventually
from .article import X0, X1, X2, X3


def config(first, second):
    """Two VMs with pages of 2 MiB from the kernel command line, of that much memory on node 0 and node 1."""
    return f"""
[host]
keep_free = "1GiB"
pages = "command-line"
[vm.101]
node = 0
memory = "{first}"
page_size = "2MiB"
controllers = ["{X0}"]
[vm.102]
node = 1
memory = "{second}"
page_size = "2MiB"
controllers = ["{X2}"]
"""


SPLIT = {X0: "vfio-pci", X1: "xhci_hcd", X2: "vfio-pci", X3: "vfio-pci"}
COUNT = "/boot/grub/hostsplit.env"
MENU = "/boot/grub/grub.cfg"
# A program that as init= panics the kernel.
PANICS = "printf '#!/bin/sh\\nexit 1\\n' >/usr/local/sbin/panics; chmod +x /usr/local/sbin/panics"


def edit_menu(parameters):
    """The command that puts kernel parameters into the entries with hostsplit: in front, because the first count of pages wins."""
    return f"sed -i '/hostsplit=off/! s|^[[:blank:]]*linux[[:blank:]]*[^[:blank:]]*|& {parameters}|' {MENU}"


def next_without_hostsplit(bench):
    """The next boot, and only that, is the entry without hostsplit, as by hand in the menu."""
    title = bench.run(f"sed -n \"s/^menuentry '\\(without hostsplit[^']*\\)'.*/\\1/p\" {MENU} | head -n 1").out.strip()
    bench.run(["grub-reboot", title])


def small_pages(bench):
    """Pages of 2 MiB of the host."""
    return int(bench.run("cat /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages").out)


def counted(bench, count=COUNT):
    """The line about boots that were begun; empty when there is none."""
    return bench.run(f"grep -a ^hostsplit_boots {count}", check=False).out.strip()


def healthy(bench):
    """Whether the count is soon set back."""
    return eventually(lambda: not counted(bench) and "begun=0" in bench.run(
        "cat /var/lib/hostsplit/journal/boots", check=False).out, 120)


def split_and_healthy(bench, check, product):
    """The split is applied, booted, and found healthy."""
    product.configure(config("2GiB", "4GiB"), boot="initramfs")
    applied = product.run("apply --yes", 900)
    check("apply succeeds", applied.rc == 0, applied)
    check("GRUB can count", bench.run(f"stat -c %s {COUNT}", check=False).out.strip() == "1024")
    check("the image from before is kept", bench.run("ls /boot/initrd.img-*.hostsplit-off", check=False).rc == 0)
    bench.reboot()
    check("the boot is counted", counted(bench) == "hostsplit_boots=1", counted(bench))
    check("with everything in place", product.drivers() == SPLIT and small_pages(bench) == 3072,
          f"{product.drivers()} {small_pages(bench)}")
    check("and forgotten when the host is healthy", healthy(bench), counted(bench))


def fell_back(bench, check, product, death, loader="GRUB", count=COUNT):
    """The boot that is running is one without hostsplit, and the owner is told."""
    line = bench.get("/proc/cmdline").decode()
    check(f"{death}: the third boot comes up without hostsplit", "hostsplit=off" in line and "hugepages=" not in line, line)
    check(f"{death}: the host has every controller and all memory", set(product.drivers().values()) == {"xhci_hcd"}
          and small_pages(bench) == 0, f"{small_pages(bench)} {product.sysfs()}")
    status = product.run("status")
    check(f"{death}: status says so, exit 3", status.rc == 3 and f"{loader} starts the host without hostsplit" in status.out,
          status)
    check(f"{death}: {loader} has given up", counted(bench, count) == "hostsplit_boots=given-up", counted(bench, count))


def starts_again(bench, check, product, death):
    """apply, and the next boot is with hostsplit."""
    applied = product.run("apply --yes", 900)
    check(f"{death}: apply works again", applied.rc == 0, applied)
    check(f"{death}: GRUB begins to count anew", counted(bench) == "", counted(bench))
    bench.reboot()
    check(f"{death}: everything is as before", product.drivers() == SPLIT and "hostsplit=off" not in
          bench.get("/proc/cmdline").decode(), product.drivers())
    check(f"{death}: and the host is healthy", healthy(bench), counted(bench))
