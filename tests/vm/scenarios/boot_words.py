"""A kernel that leaves the IOMMU off by itself: the word goes on its command line, after a reboot the rest follows, and
undo takes the word away."""

from bench.article import X0
from bench.product import Product

TOPOLOGY = "article"

CONFIG = f'[vm.101]\ncontrollers = ["{X0}"]\n'
WORDS = "/etc/default/grub.d/hostsplit.cfg"


def run(bench, check):
    product = Product(bench)
    bench.install()
    bench.run("sed -i 's/ intel_iommu=on iommu=pt//' /etc/default/grub.d/bench.cfg && update-grub", 300)
    bench.reboot()
    before = bench.run("sha256sum /boot/grub/grub.cfg; find /etc/default /etc/grub.d -type f | sort").out
    the_word(bench, check, product)
    the_rest(bench, check, product)
    undo(bench, check, product, before)


def the_word(bench, check, product):
    off = bench.run("ls /sys/class/iommu", check=False).out.strip()
    check("the IOMMU is off by itself", off == "", off)
    product.configure(CONFIG)
    steps = [step["kind"] for step in product.json("plan")["steps"]]
    check("only the boot loader is planned", steps == ["write-file", "write-file", "refresh-boot-loader"], steps)
    applied = product.run("apply --yes", 300)
    check("apply succeeds", applied.rc == 0 and "iommu-after-reboot" in applied.out, applied)
    check("a second one has nothing to do", product.run("plan --check").rc == 0, product.run("plan").out)
    check("status says that a reboot is pending", product.json("status")["pending_reboot"] is True)
    check("no driver has moved", set(product.drivers().values()) == {"xhci_hcd"}, product.drivers())


def the_rest(bench, check, product):
    bench.reboot()
    line = bench.get("/proc/cmdline").decode()
    check("after the reboot the kernel has the word", " intel_iommu=on" in line and "hostsplit=off" not in line, line)
    check("and no reboot is pending", product.json("status")["pending_reboot"] is False)
    applied = product.run("apply --yes", 300)
    check("apply does the rest", applied.rc == 0 and product.drivers()[X0] == "vfio-pci", applied)
    check("the word stays, although the IOMMU is on now", bench.run(f"cat {WORDS}").out.count("intel_iommu=on") == 1)
    check("and nothing is left to do", product.run("plan --check").rc == 0, product.run("plan").out)


def undo(bench, check, product, before):
    undone = product.run("undo --yes", 300)
    check("undo succeeds", undone.rc == 0, undone)
    after = bench.run("sha256sum /boot/grub/grub.cfg; find /etc/default /etc/grub.d -type f | sort").out
    check("the menu and its settings are as before, byte for byte", after == before, (before, after))
