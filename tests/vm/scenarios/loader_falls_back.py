"""A boot that dies before any program of hostsplit runs: GRUB counts it, and the third starts without hostsplit by itself. Two
ways to die and restart; loader_memory has two that hang, loader_on_esp the count on an EFI system partition."""

import time

from bench.grub_count import PANICS, edit_menu, fell_back, split_and_healthy, starts_again
from bench.product import Product

TOPOLOGY = "article"
SUBJECTS = ("agent/core/boot/boot_count", "config/grub/", "agent/service/reconciler/boot_watch")
SECONDS = 600
PROVEN = False
MEMORY = 10

EDIT = edit_menu("panic=2 {}")  # a kernel that panics restarts by itself
DEATHS = {
    "a damaged image": "truncate -s 3M /boot/initrd.img-$(uname -r); " + EDIT.format(""),
    "an init that panics": f"{PANICS}; " + EDIT.format("init=/usr/local/sbin/panics"),
}


def run(bench, check):
    product = Product(bench)
    boot = bench.run("cd /boot; find . -type f | sort | xargs sha256sum").out
    split_and_healthy(bench, check, product)
    for death, cause in DEATHS.items():
        bench.run(cause)
        began = time.monotonic()
        bench.reboot()
        print(f"     {death}: up after {time.monotonic() - began:.0f} s", flush=True)
        fell_back(bench, check, product, death)
        starts_again(bench, check, product, death)
    undone = product.run("undo --yes", 900)
    now = bench.run("cd /boot; find . -type f | sort | xargs sha256sum").out
    changed = [line for line in set(boot.splitlines()) ^ set(now.splitlines()) if "initrd" not in line]
    check("undo: /boot is as before, but for the image that was built anew", undone.rc == 0 and not changed, (undone, changed))
