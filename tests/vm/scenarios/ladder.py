"""The rungs above `boot`: a foreign script in the initramfs loads xhci before hostsplit's, so hostsplit climbs, first to ids
where every controller is assigned, then to blacklist where a twin stays with the host and its keyboard must live. On the
way out undo leaves /etc as it was."""

import shlex

from bench import eventually
from bench.article import X0, X1, X2, X3
from bench.product import Product

TOPOLOGY = "article"
SUBJECTS = ("agent/core/boot/", "config/initramfs/", "systemd/")
SECONDS = 700
PROVEN = False
MEMORY = 2

ALL = f"""
    [host]
    may_lose = ["usb"]
    [vm.101]
    controllers = ["{X0}", "{X1}", "{X2}"]
    [enforce]
    boot = "initramfs"
"""
THREE = f"""
    [vm.101]
    controllers = ["{X0}", "{X2}"]
    [enforce]
    boot = "initramfs"
    blacklist = "%s"
"""

# What some packages do for a keyboard early at boot: load drivers by alias, before hostsplit's script has its turn.
EARLY = "/etc/initramfs-tools/scripts/init-top/early-keyboard"
EARLY_SCRIPT = """#!/bin/sh
case ${1:-} in prereqs) exit 0 ;; esac
for device in /sys/bus/pci/devices/*; do
    read -r alias <"$device/modalias"
    case $alias in *bc0Csc03i30*) modprobe -b "$alias" ;; esac
done
"""

# A later archive in an image wins over those before it; it has to begin at a multiple of four bytes.
WITHOUT_SCRIPT = r"""
set -e
image=/boot/initrd.img-$(uname -r) tree=$(mktemp -d)
mkdir -p $tree/scripts/init-top
printf '#!/bin/sh\nexit 0\n' >$tree/scripts/init-top/hostsplit
chmod 755 $tree/scripts/init-top/hostsplit
truncate -s %4 $image
(cd $tree && find . | cpio --quiet -o -H newc) >>$image
rm -r $tree
"""


def run(bench, check):
    product = Product(bench)
    bench.put_text(EARLY, EARLY_SCRIPT, "755")
    before = product.etc(), product.sysfs()
    product.configure(ALL)
    check("apply on rung boot", product.run("apply --yes", 600).rc == 0)
    to_ids(bench, check, product)
    with_ids(bench, check, product)
    rescued(bench, check, product)
    twin_returns(bench, check, product)
    asks(bench, check, product)
    with_blacklist(bench, check, product)
    without_script(bench, check, product)
    undo(bench, check, product, before)


def rung(product):
    return product.json("status")["boot"]["rung"]


def never_xhci(check, product, addresses):
    for address in addresses:
        touched = product.kernel_log(f"xhci_hcd {address}")
        check(f"{address}: xhci_hcd never had it", not touched, touched)


def to_ids(bench, check, product):
    bench.reboot()
    look = bench.run("cat /run/hostsplit/first-look.unit").out
    check("the early unit saw that xhci_hcd had the controllers", f"{X0} xhci_hcd" in look, look)
    moved = eventually(lambda: set(product.drivers().values()) == {"vfio-pci"}, 60)
    check("the service has moved them all the same", moved, product.drivers())
    told = product.findings().get("rung-climbs")
    check("status says why it will climb", told and X0 in told["message"] and "apply" in told["remedy"], told)
    plan = product.run("plan")
    check("the climb is a step of the plan", "raise the rung from boot to ids" in plan.out, plan.out)
    applied = product.run("apply --yes", 600)
    check("apply climbs to ids", applied.rc == 0 and rung(product) == "ids", applied)
    said = bench.get("/etc/modprobe.d/hostsplit.conf").decode()
    check("modprobe.d says so", "options vfio-pci ids=1b36:000d\n" in said and "softdep xhci_pci pre: vfio-pci\n" in said, said)
    entry = product.journal(event="rung", result="done")
    check("the climb and its reason are audited", entry and entry[-1]["HOSTSPLIT_RUNG"] == "ids" and X0 in entry[-1]["HOSTSPLIT_REASON"], entry)
    check("and a second apply has nothing to do", product.run("plan --check").rc == 0, product.run("plan").out)


def with_ids(bench, check, product):
    bench.reboot()
    never_xhci(check, product, (X0, X1, X2, X3))
    check("ids: all are with vfio-pci", set(product.drivers().values()) == {"vfio-pci"}, product.drivers())
    check("and the service had nothing to do", not product.journal(event="bind"), product.journal(event="bind"))
    check("status shows the rung and its reason", rung(product) == "ids" and "Rung ids (how bindings are enforced): at this boot xhci_hcd had" in product.run("status").out,
          product.run("status").out)


def rescued(bench, check, product):
    """docs/rescue.md, for an image that gives the ids to vfio-pci and has no script to see what is switched off."""
    bench.savevm("ids")
    bench.run(WITHOUT_SCRIPT)
    bench.run(r"sed -i 's|^\(\s*linux\s.*\)|\1 hostsplit=off module_blacklist=vfio_pci|' /boot/grub/grub.cfg")
    bench.reboot()
    drivers = product.drivers()
    check("hostsplit=off and module_blacklist=vfio_pci: the host has all controllers", set(drivers.values()) == {"xhci_hcd"}, drivers)
    bench.loadvm("ids")


def twin_returns(bench, check, product):
    product.configure(THREE % "ask")
    left = product.findings().get("rung-left")
    check("a twin that returns to the host ends ids, by name", left and X1 in left["message"], left)
    applied = product.run("apply --yes", 600)
    there = bench.run("ls /etc/modprobe.d/hostsplit.conf /etc/modules-load.d/hostsplit.conf", check=False).out
    check("back to boot, and its files are gone", applied.rc == 0 and rung(product) == "boot" and not there, (applied, there))
    check("the twin is with the host at once", product.drivers()[X1] == "xhci_hcd", product.drivers())


def asks(bench, check, product):
    bench.plug_kbd("x1", "3")
    bench.reboot()
    asked = product.findings().get("rung-blacklist-asks")
    check("ids would take the twin: it is named", asked and f"would take {X1} from the host" in asked["message"], asked)
    check("blacklist = ask: a finding, and nothing is done", asked and 'blacklist = "allow"' in asked["remedy"]
          and product.run("plan --check").rc == 0, product.run("plan").out)
    product.configure(THREE % "allow")
    applied = product.run("apply --yes", 600)
    said = bench.get("/etc/modprobe.d/hostsplit.conf").decode()
    check("allowed: apply climbs to blacklist, without ids", applied.rc == 0 and rung(product) == "blacklist"
          and "\nblacklist xhci_pci\n" in said and "ids=" not in said, (applied, said))
    check("the host still has its keyboard", keyboard(bench), bench.get("/proc/bus/input/devices").decode())


def keyboard(bench):
    return eventually(lambda: "QEMU USB Keyboard" in bench.get("/proc/bus/input/devices").decode(), 30)


def with_blacklist(bench, check, product):
    bench.reboot()
    never_xhci(check, product, (X0, X2, X3))
    drivers = product.drivers()
    check("blacklist: the assigned are with vfio-pci", all(drivers[a] == "vfio-pci" for a in (X0, X2, X3)), drivers)
    check("the host's own twin is with xhci_hcd", drivers[X1] == "xhci_hcd", drivers)
    check("and the keyboard on it works", keyboard(bench), bench.get("/proc/bus/input/devices").decode())
    check("the service had nothing to do", not product.journal(event="bind"), product.journal(event="bind"))
    check("nothing left to climb", product.run("plan --check").rc == 0, product.run("plan").out)


def without_script(bench, check, product):
    bench.run(WITHOUT_SCRIPT)
    bench.reboot()
    said = [line for line in product.kernel_log("hostsplit: ") if "systemd[1]" not in line]
    check("an image without the script: it did not run", not said, said)
    never_xhci(check, product, (X0, X2, X3))
    drivers = product.drivers()
    check("the early unit gave the assigned to vfio-pci", all(drivers[a] == "vfio-pci" for a in (X0, X2, X3)), drivers)
    check("and xhci was loaded for the host afterwards", drivers[X1] == "xhci_hcd" and keyboard(bench), drivers)
    entry = bench.run("sed -n \"s/^menuentry '\\(without hostsplit[^']*\\)'.*/\\1/p\" /boot/grub/grub.cfg | head -n 1").out.strip()
    bench.run(f"grub-editenv /boot/grub/grubenv set {shlex.quote('next_entry=' + entry)}")
    bench.reboot()
    drivers = product.drivers()
    check("hostsplit=off on top: the host has all controllers", set(drivers.values()) == {"xhci_hcd"}, drivers)
    check("and its keyboard", keyboard(bench), bench.get("/proc/bus/input/devices").decode())


def undo(bench, check, product, before):
    product.undo(check, before[0])
    check("drivers, overrides and pools are as before", product.sysfs() == before[1], product.sysfs())
    held = [name for name in product.image() if "hostsplit" in name]
    check("nothing of hostsplit is in the image", not held, held)
    bench.reboot()
    check("after a reboot all is as before, too", product.sysfs() == before[1], product.sysfs())
