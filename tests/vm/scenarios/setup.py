"""From two VMs as the web interface makes them to a split that holds, by three commands: apt install, hostsplit setup, reboot.
The questions are answered on a terminal, sockets are learned by plugging sticks on the same screen; a Linux in VM 101 sees the
stick that is plugged into its socket, and the host does not; then undo."""

from pathlib import Path

from bench import eventually
from bench.article import X0, X1, X2, X3
from bench.product import CONFIG, Product

TOPOLOGY = "article"
SUBJECTS = ("agent/core/proposal/", "agent/core/proxmox/", "agent/operations/setup", "agent/cli/act/setup", "tests/pve/")
SECONDS = 700
MEMORY = 7

PROXMOX = Path(__file__).resolve().parent.parent.parent / "pve" / "proxmox"
PVE_START = Path(__file__).parent / "pve-start"
AS_MADE = ("bios: ovmf\nboot: order=scsi0\ncores: 2\nmachine: pc-q35-9.2+pve1\nmemory: 4096\nname: {name}\nnuma: 0\nonboot: 1\n"
           "scsi0: local-lvm:vm-{id}-disk-0,size=64G\nsockets: 1\n")
STORAGES = "dir: local\n\tpath /var/lib/vz\n\tcontent iso,vztmpl,backup\n"
GIVEN = {X0: "vfio-pci", X1: "xhci_hcd", X2: "vfio-pci", X3: "vfio-pci"}


def run(bench, check):
    product = Product(bench)
    proxmox(bench)
    before = product.etc(), product.sysfs(), files(bench)
    keys = set_up(bench, check, product)
    again(bench, check, product)
    bench.reboot()
    after_the_reboot(bench, check, product)
    a_linux_inside(bench, check, product)
    undo(bench, check, product, before)
    print(f"     {keys} keys beyond the names of sockets")


def files(bench):
    """Files outside /etc that undo puts back; an image is built anew, so only its name counts."""
    return bench.run("find /etc/pve -type f | sort | xargs sha256sum; find /boot -type f -name 'initrd*' | sort; "
                     "find /boot -type f ! -name 'initrd*' | sort | xargs sha256sum").out


def proxmox(bench):
    """The stand-in for Proxmox VE, with two VMs."""
    bench.put(PROXMOX, "/usr/sbin/qm")
    bench.run("chmod +x /usr/sbin/qm; ln -sf qm /usr/sbin/pvesm; mkdir -p /etc/pve/qemu-server /var/lib/vz")
    bench.put_text("/etc/pve/storage.cfg", STORAGES)
    for number, name in ((101, "fluent-a"), (102, "fluent-b")):
        bench.put_text(f"/etc/pve/qemu-server/{number}.conf", AS_MADE.format(id=number, name=name))
    bench.put(PVE_START, "/root/pve-start")
    bench.run("chmod +x /root/pve-start")


class Terminal:
    """A program on a terminal of its own in the guest; what is typed goes in by a pipe."""

    def __init__(self, bench, command, name):
        self._bench = bench
        self._pipe = f"/run/keys-{name}"
        self.keys = 0
        bench.run(f"rm -f {self._pipe}; mkfifo {self._pipe}")
        self._job = bench.spawn(f"sleep 1000 >{self._pipe} & exec env TERM=dumb script -qec '{command}; echo ended with $?' /dev/null <{self._pipe}", name)

    def output(self):
        return self._job.output()

    def wait_for(self, words, times=1, limit=90):
        """Whether the screen has shown these words so often."""
        return eventually(lambda: self.output().count(words) >= times, limit)

    def type(self, text, counts=True):
        """Types a line; a name of a socket does not count as keys, its Enter does."""
        self.keys += 1 + (len(text) if counts else 0)
        self._bench.run(["/bin/sh", "-c", f"printf '%s\\n' \"$1\" >{self._pipe}", "sh", text])

    def end(self, limit=900):
        """Whether it has ended with 0; script itself goes on as long as somebody might type."""
        ended = self.wait_for("ended with ", 1, limit) and "ended with 0" in self.output()
        self._job.signal("KILL")
        return ended


def set_up(bench, check, product):
    screen = Terminal(bench, "hostsplit setup", "setup")
    for count, (label, controller) in enumerate((("front-1", "x0"), ("后面板 1号口", "x2")), 1):
        check(f"{label}: setup asks to plug", screen.wait_for("Plug a USB stick"), screen.output())
        bench.plug(controller, "1", f"S{count}")
        check(f"{label}: asked for its name", screen.wait_for("Name (empty to skip)", count), screen.output())
        screen.type(label, counts=False)
        check(f"{label}: learned", screen.wait_for(f"learned  {label}"), screen.output())
        bench.unplug(f"S{count}")
    screen.type("")
    check("the VMs are listed", screen.wait_for("VMs that get a part of this host [101 102]")
          and "fluent-a" in screen.output(), screen.output())
    screen.type("")
    check("the sockets are proposed", screen.wait_for("Sockets ["), screen.output())
    screen.type("")
    check("the memory is proposed", screen.wait_for("Memory ["), screen.output())
    screen.type("101:2G 102:2G")
    check("one page, then the last question", screen.wait_for("Do it? [Y/n]") and "hostsplit.toml" in screen.output(), screen.output())
    check("nothing was changed so far", product.sysfs().count("vfio-pci") == 0 and bench.run(f"ls {CONFIG}", check=False).rc != 0)
    screen.type("")
    check("setup ends well", screen.end(), screen.output())
    print("     " + screen.output().replace("\n", "\n     "))
    return screen.keys


def again(bench, check, product):
    before = bench.run("cat /etc/pve/qemu-server/*.conf").out, product.etc()
    result = product.run("setup --yes")
    check("a second setup changes nothing", result.rc == 0 and "set up" in result.out
          and (bench.run("cat /etc/pve/qemu-server/*.conf").out, product.etc()) == before, result)


def after_the_reboot(bench, check, product):
    check("the controllers are the VMs'", eventually(lambda: product.drivers() == GIVEN, 60), product.drivers())
    check("and the pages", (product.pages(0), product.pages(1)) == (2, 2), (product.pages(0), product.pages(1)))
    check("status is content", product.run("status").rc == 0, product.run("status"))
    texts = [bench.run(f"qm config {vm}").out for vm in (101, 102)]
    given = [sorted(address for address in (X0, X2, X3) if address in text) for text in texts]
    check("each VM has its functions in Proxmox VE", sorted(given) == [[X0], [X2, X3]], texts)
    for vm in (101, 102):
        check(f"Proxmox VE would start VM {vm}", bench.run(f"qm start {vm}", check=False).rc == 0, bench.run(f"qm start {vm}", check=False))
    node = {101: 0, 102: 1} if X0 in given[0] else {101: 1, 102: 0}
    for vm in (101, 102):
        functions = given[0] if vm == 101 else given[1]
        devices = " ".join(f"-device vfio-pci,host={address}" for address in functions)
        cpus = {0: "0-1", 1: "2-3"}[node[vm]]
        started = bench.run(f"/root/pve-start {vm} {node[vm]} 2 {cpus} 1 {devices}", 180, check=False)
        check(f"VM {vm} runs", started.rc == 0, started)
    verify = product.run("verify")
    check("verify finds everything as wanted", verify.rc == 0 and "Everything is as wanted" in verify.out, verify.out)
    for vm in (101, 102):
        bench.run(f"p=$(cat /run/qemu-server/{vm}.pid) && kill $p && while [ -d /proc/$p ]; do sleep 0.1; done; "
                  f"rm -f /run/qemu-server/{vm}.pid", check=False)


# In the image of the VM: says which sticks it has, on its serial port.
SEES = r"""#!/bin/sh
[ "$1" != prereqs ] || exit 0
modprobe xhci_pci
n=0
while [ $n -lt 300 ]; do
    for serial in /sys/bus/usb/devices/*-*/serial; do [ ! -e "$serial" ] || echo "SEES $(cat "$serial")" >/dev/ttyS0; done
    n=$((n + 1))
    sleep 1
done
"""


def a_linux_inside(bench, check, product):
    """The kernel of the bench once more, in a VM that has the controller of front-1."""
    bench.run("cp -a /etc/initramfs-tools /root/inside; rm -f /root/inside/hooks/hostsplit /root/inside/scripts/init-top/hostsplit; "
              "mkdir -p /root/inside/scripts/init-premount; echo xhci_pci >>/root/inside/modules")
    bench.put_text("/root/inside/scripts/init-premount/sees", SEES, "755")
    bench.run("mkinitramfs -d /root/inside -o /root/inside.img", 300)
    vm = bench.spawn("exec qemu-system-x86_64 -nodefaults -display none -machine q35 -accel kvm -cpu host -m 640 "
                     "-kernel /boot/vmlinuz-$(uname -r) -initrd /root/inside.img -append 'console=ttyS0 hostsplit=off' "
                     f"-serial file:/root/inside.log -device vfio-pci,host={X0}", "inside")
    said = lambda: bench.run("cat /root/inside.log", check=False).out
    check("a Linux boots in VM 101", eventually(lambda: "Run /init" in said() or "SEES" in said(), 420), said()[-2000:])
    bench.plug("x0", "1", "PROOF")
    check("it sees the stick in front-1", eventually(lambda: "SEES PROOF" in said(), 300), said()[-2000:])
    check("the host does not", "PROOF" not in bench.run("cat /sys/bus/usb/devices/*/serial", check=False).out)
    bench.plug("x1", "1", "OTHER")
    check("a stick elsewhere is the host's", eventually(lambda: "OTHER" in bench.run(
        "cat /sys/bus/usb/devices/*/serial", check=False).out, 60) and "SEES OTHER" not in said(), said()[-500:])
    vm.signal("KILL")
    for stick in ("PROOF", "OTHER"):
        bench.unplug(stick)


def undo(bench, check, product, before):
    product.undo(check, before[0])
    check("drivers and pages are as before", product.sysfs() == before[1], product.sysfs())
    changed = sorted(set(files(bench).splitlines()) ^ set(before[2].splitlines()))
    check("/boot and /etc/pve are as before", not changed, changed)
