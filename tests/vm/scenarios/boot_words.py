"""A word on the kernel command line by wish: put beside those of others, pending until the reboot, gone after undo. The
word for an IOMMU that is off by itself takes the same way, but every kernel the bench can have switches it on."""

from bench.article import X0
from bench.product import Product

TOPOLOGY = "article"

SPLIT = f'[vm.101]\ncontrollers = ["{X0}"]\n'
CONFIG = '[host]\niommu = "pt"\n' + SPLIT
WORDS = "/etc/default/grub.d/hostsplit.cfg"


def run(bench, check):
    product = Product(bench)
    bench.install()
    bench.run("sed -i 's/ intel_iommu=on iommu=pt//' /etc/default/grub.d/bench.cfg && update-grub", 300)
    bench.reboot()
    before = bench.run("sha256sum /boot/grub/grub.cfg; find /etc/default /etc/grub.d -type f | sort").out
    the_word(bench, check, product)
    after_the_reboot(bench, check, product)
    not_wanted_any_more(bench, check, product)
    undo(bench, check, product, before)


def the_word(bench, check, product):
    kind = bench.run("cat /sys/kernel/iommu_groups/*/type | sort | uniq -c | sort -n | tail -n 1").out
    check("the kernel by itself translates for the host, too", "DMA" in kind, kind)
    product.configure(CONFIG)
    plan = product.json("plan")
    check("plan shows the word and what it is for", any("iommu=pt" in step["reason"] for step in plan["steps"]), plan)
    applied = product.run("apply --yes", 300)
    check("apply succeeds", applied.rc == 0, applied)
    check("what needs no reboot is done at once", product.drivers()[X0] == "vfio-pci", product.drivers())
    check("a second one has nothing to do", product.run("plan --check").rc == 0, product.run("plan").out)
    check("status says that a reboot is pending", product.json("status")["pending_reboot"] is True)


def after_the_reboot(bench, check, product):
    bench.reboot()
    line = bench.get("/proc/cmdline").decode().split()
    check("after the reboot the kernel has the word", "iommu=pt" in line and "hostsplit=off" not in line, line)
    kind = bench.run("cat /sys/bus/pci/devices/0000:00:03.0/iommu_group/type").out.strip()
    check("and the network card goes past the IOMMU", kind == "identity", kind)
    check("no reboot is pending", product.json("status")["pending_reboot"] is False)
    check("the word stays, although it is there now", bench.run(f"cat {WORDS}").out.count("iommu=pt") == 1)
    check("and nothing is left to do", product.run("plan --check").rc == 0, product.run("plan").out)


def not_wanted_any_more(bench, check, product):
    product.configure(SPLIT)
    applied = product.run("apply --yes", 300)
    menu = bench.get("/boot/grub/grub.cfg").decode()
    check("without the wish the word goes, and with it the entry that leaves it out", applied.rc == 0 and "iommu=pt" not in menu
          and "hostsplit=off" not in menu, applied)


def undo(bench, check, product, before):
    undone = product.run("undo --yes", 300)
    check("undo succeeds", undone.rc == 0, undone)
    after = bench.run("sha256sum /boot/grub/grub.cfg; find /etc/default /etc/grub.d -type f | sort").out
    check("the menu and its settings are as before, byte for byte", after == before, (before, after))
