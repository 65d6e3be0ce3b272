"""Enforcement in the initramfs: vfio-pci has the functions before xhci_hcd is loaded, on this machine, with cards
added, not with hostsplit=off; and undo leaves nothing of it."""

import re

from bench.article import BOTH, X0, X1, X2, X3
from bench.product import Product

TOPOLOGY = "article"
SUBJECTS = ("agent/core/boot/", "config/initramfs/", "agent/host/")
SECONDS = 400
PROVEN = False
MEMORY = 2

# Four controllers of one id: x0 for one VM, x2 and x3 (one slot, on node 1) for another, x1 stays with the host.
ASSIGNED = (X0, X2, X3)


def run(bench, check):
    product = Product(bench)
    product.configure(BOTH, boot="initramfs")
    before = product.etc(), product.image(), product.sysfs()
    apply(bench, check, product)
    first_boot(bench, check, product)
    renumbered(bench, check, product)
    off(bench, check, product)
    undo(bench, check, product, before)


def apply(bench, check, product):
    plan = product.run("plan --verbose")
    check("plan shows the files and the initramfs", plan.rc == 0 and "write /etc/initramfs-tools/hooks/hostsplit" in plan.out
          and "rebuild the initramfs of" in plan.out, plan)
    applied, seconds = bench.timed("hostsplit apply --yes", 600, check=False)
    check("apply succeeds", applied.rc == 0, applied)
    print(f"     apply with the initramfs took {seconds:.0f} s of guest time", flush=True)
    held = "\n".join(product.image())
    wanted = ["scripts/init-top/hostsplit", "etc/hostsplit/boot/plan", "vfio-pci.ko"]
    missing = [name for name in wanted if name not in held]
    check("script, plan and vfio-pci are in the image", not missing, missing)
    check("the old image is gone", "previous" not in bench.run("ls /boot").out)
    check("a second apply has nothing to do", product.run("plan --check").rc == 0, product.run("plan").out)
    entry = product.journal(event="rebuild-initramfs", result="done")
    check("the rebuild is audited", entry and entry[-1]["HOSTSPLIT_RUNG"] == "boot", entry)


def first_boot(bench, check, product):
    bench.reboot()
    for address in ASSIGNED:
        touched = product.kernel_log(f"xhci_hcd {address}")
        check(f"{address}: xhci_hcd never had it", not touched, touched)
        taken = product.kernel_log(f"hostsplit: {address} is with vfio-pci")
        check(f"{address}: the script gave it to vfio-pci", len(taken) == 1, taken)
    twin = product.kernel_log(f"xhci_hcd {X1}")
    check("the twin with the same id, which stays with the host, went to xhci_hcd", bool(twin))
    drivers = product.drivers()
    check("drivers are as applied", all(drivers[a] == "vfio-pci" for a in ASSIGNED) and drivers[X1] == "xhci_hcd", drivers)
    repaired = product.journal(event="bind")
    check("and the service had nothing to do", not repaired, repaired)
    done = product.kernel_log("hostsplit: ")
    for line in done:
        print(f"     {line}", flush=True)
    took = re.search(r"done in (\d+) ms", "\n".join(done))
    check("the time it added to the boot is told", took is not None, done)
    udev = product.kernel_log(f"xhci_hcd {X1}")
    ours = [float(re.search(r"\[ *([\d.]+)\]", line).group(1)) for line in (done[-1:] + udev[:1])]
    check("all was done before xhci_hcd was there", len(ours) == 2 and ours[0] < ours[1], ours)


def renumbered(bench, check, product):
    cards = "lspci -Dnnk -d ::0108"
    bench.power_off()
    bench.start("article-renumbered")
    drivers = product.drivers()
    check("with cards added every bus number has moved", X0 not in drivers, drivers)
    mine = [address for address, driver in drivers.items() if driver == "vfio-pci"]
    check("three functions are with vfio-pci, one is not", len(mine) == 3 and len(drivers) == 4, drivers)
    for address in mine:
        touched = product.kernel_log(f"xhci_hcd {address}")
        check(f"{address}: xhci_hcd never had it", not touched, touched)
    nvme = bench.run(cards).out
    check("the cards at the old addresses were not touched", X0 in nvme and "vfio" not in nvme, nvme)
    overrides = bench.run(f"cat /sys/bus/pci/devices/{X0}/driver_override").out.strip()
    check("not even by an override", overrides == "(null)", overrides)
    taken = "\n".join(product.kernel_log("is with vfio-pci for VM"))
    owners = dict(re.findall(r"hostsplit: (\S+) is with vfio-pci for VM (\d+)", taken))
    check("and each VM has its own", sorted(owners.items()) == sorted(zip(sorted(mine), ("101", "102", "102"))), owners)


def off(bench, check, product):
    entry = bench.run("sed -n \"s/^menuentry '\\(without hostsplit[^']*\\)'.*/\\1/p\" /boot/grub/grub.cfg | head -n 1").out.strip()
    check("the boot menu has an entry without hostsplit", entry.startswith("without hostsplit"), entry)
    bench.run(["grub-editenv", "/boot/grub/grubenv", "set", f"next_entry={entry}"])
    bench.power_off()
    bench.start("article")
    drivers = product.drivers()
    line = bench.get("/proc/cmdline").decode()
    check("it gives the kernel hostsplit=off", " hostsplit=off" in line, line)
    check("hostsplit=off: all controllers are with xhci_hcd", set(drivers.values()) == {"xhci_hcd"}, drivers)
    said = product.kernel_log("hostsplit=off on the kernel command line")
    check("and the script says so", len(said) == 1, said)
    state = bench.run("systemctl show -P StatusText hostsplitd").out
    check("the service too", "hostsplit=off" in state, state)


def undo(bench, check, product, before):
    product.undo(check, before[0])
    held = product.image()
    changed = sorted(set(held) ^ set(before[1]))
    check("the image holds what it held before", held == before[1], changed)
    bench.reboot()
    check("after a reboot drivers, overrides and pools are as before", product.sysfs() == before[2], product.sysfs())
    check("and nothing of hostsplit is in the kernel log", not product.kernel_log("hostsplit: "), product.kernel_log("hostsplit: "))
