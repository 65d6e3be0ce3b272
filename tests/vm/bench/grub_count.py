"""A split whose pages and image GRUB boots, how often it was begun, and the entry without it: what the scenarios about boots
that die and owners share."""

from . import eventually
from .article import X0, X1, X2, X3
from .deaths import Deaths, counted


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


CONFIG = config("2GiB", "4GiB")  # deaths.PAGES
SPLIT = {X0: "vfio-pci", X1: "xhci_hcd", X2: "vfio-pci", X3: "vfio-pci"}
COUNT = "/boot/grub/hostsplit.env"
MENU = "/boot/grub/grub.cfg"


class GrubDeaths(Deaths):
    """The entry that GRUB starts by itself."""

    loader = "GRUB"

    def __init__(self, bench, check, product, count=COUNT):
        super().__init__(bench, check, product, count, SPLIT)

    def edit(self, parameters):
        self.bench.run(f"sed -i '/hostsplit=off/! s|^[[:blank:]]*linux[[:blank:]]*[^[:blank:]]*|& {parameters}|' {MENU}")

    def damage_image(self):
        self.bench.run("truncate -s 3M /boot/initrd.img-$(uname -r)")


def next_without_hostsplit(bench):
    """The next boot, and only that, is the entry without hostsplit, as by hand in the menu."""
    title = bench.run(f"sed -n \"s/^menuentry '\\(without hostsplit[^']*\\)'.*/\\1/p\" {MENU} | head -n 1").out.strip()
    bench.run(["grub-reboot", title])


def healthy(bench):
    """Whether both counts are soon set back."""
    return eventually(lambda: not counted(bench, COUNT) and "begun=0" in bench.run(
        "cat /var/lib/hostsplit/journal/boots", check=False).out, 120)
