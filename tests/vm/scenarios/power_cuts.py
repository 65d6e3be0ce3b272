"""The power fails at ten points during apply, update-grub and update-initramfs included: the host boots every time, with
every controller on a driver, and the next apply finishes the work. It is one apply: at each point the disk is kept as a cut
would leave it, and booted afterwards."""

import time

from bench import eventually
from bench.article import X0
from bench.product import Product

TOPOLOGY = "article"
SUBJECTS = ("agent/core/steps/", "agent/core/state/", "agent/host/")
SECONDS = 600
PROVEN = False
MEMORY = 2

CONFIG = f"""
    [vm.101]
    controllers = ["{X0}"]
    [enforce]
    boot = "initramfs"
"""

# What to wait for in the guest (None: the end of apply), and for how many seconds after that. The files are written and the function bound within
# moments; update-grub takes some seconds, the image a minute: mkinitramfs gathers a tree, packs it into IMAGE.new, and
# only then the new image gets its name.
POINTS = (
    ("plan written", "test -e /etc/hostsplit/boot/plan", 0),
    ("script written", "test -e /etc/initramfs-tools/scripts/init-top/hostsplit", 0),
    ("vfio-pci loaded", "test -e /sys/bus/pci/drivers/vfio-pci", 0),
    ("function bound", f"test -e /sys/bus/pci/drivers/vfio-pci/{X0}", 0),
    ("update-grub", "pgrep -f '[g]rub-mkconfig'", 2),
    ("old image kept", "ls /boot/initrd.img-*.hostsplit-previous", 0),
    ("tree gathered", "pgrep -f '[/]usr/sbin/mkinitramfs'", 15),
    ("image packed", "ls /boot/initrd.img-*.new", 1),
    ("image renamed", "find /boot -name 'initrd.img-*[0-9a-z]' ! -name '*.new' ! -name '*-previous' "
                      "-newer /etc/hostsplit/boot/plan | grep -q .", 0),
    ("apply ended", None, 0),
)


def run(bench, check):
    product = Product(bench)
    product.configure(CONFIG)
    bench.run("sync")
    job = bench.spawn("hostsplit apply --yes", "apply")
    reached = [note(bench, job, *point) for point in POINTS]
    for (name, _, _), (there, told) in zip(POINTS, reached):
        cut(bench, check, product, name, there, told)
    last = product.run("apply --yes", 600)
    check("after the last cut the next apply has nothing to do, or does it", last.rc == 0, last)
    check("and nothing is left to do", product.run("plan --check").rc == 0, product.run("plan").out)


def note(bench, job, name, condition, seconds):
    """Keep the disk as a cut at that point would leave it; (whether the point came, what apply had said)."""
    there = (lambda: bench.run(condition, check=False).rc == 0) if condition else (lambda: job.rc() is not None)
    reached = eventually(there, 300, 0.02)
    time.sleep(seconds)
    bench.note_cut(name)
    return reached, job.output().splitlines()[-1:]


def cut(bench, check, product, name, reached, told):
    bench.power_cut_at(name)
    print(f"     {name}: cut at {told}", flush=True)
    check(f"{name}: the cut came then", reached, told)
    state = bench.run("systemctl is-system-running", check=False).out.strip()
    check(f"{name}: the host boots", state in ("running", "degraded"), state)
    check(f"{name}: every controller has a driver", None not in product.drivers().values(), product.drivers())
    planned = product.run("plan")
    check(f"{name}: a plan can be made", planned.rc == 0, planned)
