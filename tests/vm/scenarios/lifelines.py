"""What the host cannot do without hangs on a controller of its own: the root file system on a stick, network, the last
keyboard, the serial console; then a mounted stick and swap. Each is refused with exit 3, and can be given up by its name
alone, with a warning; the root file system cannot."""

from bench.product import Product

TOPOLOGY = "article"
SUBJECTS = ("agent/core/checks/", "agent/core/machine/", "agent/host/")
SECONDS = 200
MEMORY = 2

X0, X1, X2, X3, X4 = (f"0000:0{bus}:00.{function}" for bus, function in ((1, 0), (2, 0), (3, 0), (4, 1), (5, 0)))
SERIAL = "0000:04:00.0"


def run(bench, check):
    product = Product(bench)
    to_the_stick(bench)
    tty = bench.run(f"cd /sys/class/tty; readlink -f ttyS* | sed -n 's|.*/{SERIAL}/.*/||p'").out.strip()
    network = bench.run("ip -o -4 route show default").out.split()[4]

    lifeline(check, product, "root on a stick", X0, "group-lifeline", "/ is mounted from it", "/", can=False)
    lifeline(check, product, "the last keyboard", X1, "last-keyboard", "QEMU USB Keyboard", "keyboard")
    lifeline(check, product, "network on USB", X2, "group-lifeline", f"network runs over it ({network})", network)
    lifeline(check, product, "serial console in the group", X3, "group-lifeline", f"console {tty} is attached to it", tty,
             f'functions = ["{SERIAL}"]')

    bench.plug("x4", "1", "DATA")
    disk = bench.disk_of("DATA")
    bench.run(f"mkfs.ext4 -q {disk} && mount {disk} /srv")
    lifeline(check, product, "a mounted stick", X4, "group-lifeline", "/srv is mounted from it", "/srv")
    bench.run(f"umount /srv && mkswap -q {disk} && swapon {disk}")
    name = bench.run(f"readlink -f {disk}").out.strip()
    lifeline(check, product, "swap on a stick", X4, "group-lifeline", "the host swaps to it", name)
    bench.run(f"swapoff {disk}")
    product.configure(vm(X4))
    applied = product.run("apply --yes")
    check("without all that the same controller is free to go", applied.rc == 0 and product.drivers()[X4] == "vfio-pci", applied)
    check("and the host lives: network, console, keyboard, root", bench.run(
        f"ip -o -4 route show default | grep -q {network} && grep -q {tty} /sys/class/tty/console/active && touch /root/alive").rc == 0)


def to_the_stick(bench):
    """Prepares the kernel for a serial card, whichever number that gets, and makes the disk a stick."""
    bench.put_text("/etc/default/grub.d/serial.cfg",
                   'GRUB_CMDLINE_LINUX_DEFAULT="console=ttyS1 console=ttyS4 $GRUB_CMDLINE_LINUX_DEFAULT"\n')
    bench.run("update-grub", 300)
    bench.power_off()
    bench.start("lifelines")


def vm(address, more=""):
    return f'[vm.101]\ncontrollers = ["{address}"]\n{more}\n'


def lifeline(check, product, why, address, code, words, name, more="", can=True):
    """Refused with exit 3 and these words; given up by its name, planned with a warning."""
    before = product.sysfs()
    product.configure(vm(address, more))
    refused = product.run("apply --yes")
    check(f"{why}: refused, exit 3, and named", refused.rc == 3 and words in refused.out and code in refused.out,
          f"rc {refused.rc}\n{refused.out}{refused.err}")
    product.configure('[host]\nmay_lose = ["another"]\n' + vm(address, more))
    check(f"{why}: another name gives nothing up", product.run("apply --yes").rc == 3)
    product.configure(f'[host]\nmay_lose = ["{name}"]\n' + vm(address, more))
    if not can:
        plan = product.run("plan")
        check(f"{why}: its name is not even a name", plan.rc == 2 and f'"{name}" cannot be given up' in plan.err, plan)
        check(f"{why}: nothing has moved", product.sysfs() == before, product.sysfs())
        return
    plan = product.json("plan")
    found = [f["severity"] for f in plan["findings"] if f["code"] == code and words in f["message"]]
    steps = [s["id"] for s in plan["steps"]]
    check(f"{why}: by its name it is given up, with a warning", found == ["warning"] and f"bind {address}" in steps, plan)
    check(f"{why}: nothing has moved", product.sysfs() == before, product.sysfs())
