"""A boot that dies before any program of hostsplit runs: GRUB counts it, and the third starts without hostsplit by itself. Two
ways to die and restart; loader_memory has two that hang, loader_on_esp the count on an EFI system partition."""

from bench.grub_count import CONFIG, GrubDeaths
from bench.product import Product

TOPOLOGY = "article"
SUBJECTS = ("agent/core/boot/boot_count", "config/grub/", "agent/service/reconciler/boot_watch")
SECONDS = 600
PROVEN = False
MEMORY = 10


def run(bench, check):
    product = Product(bench)
    boot = bench.run("cd /boot; find . -type f | sort | xargs sha256sum").out
    deaths = GrubDeaths(bench, check, product)
    deaths.split(CONFIG)
    check("the image from before is kept", bench.run("ls /boot/initrd.img-*.hostsplit-off", check=False).rc == 0)
    deaths.damaged_image()
    deaths.init_that_panics()
    undone = product.run("undo --yes", 900)
    now = bench.run("cd /boot; find . -type f | sort | xargs sha256sum").out
    changed = [line for line in set(boot.splitlines()) ^ set(now.splitlines()) if "initrd" not in line]
    check("undo: /boot is as before, but for the image that was built anew", undone.rc == 0 and not changed, (undone, changed))
