"""From two VMs as the web interface makes them to a split that holds, by three commands: apt install, hostsplit setup, reboot.
The questions are answered on a terminal, sockets are learned by plugging sticks on the same screen; both VMs start in both
orders; a Linux in VM 101 sees the stick that is plugged into its socket, and the host and VM 102 do not, which `verify --plug`
says, too; then undo."""

import json
from pathlib import Path

from bench import eventually
from bench.article import X0, X1, X2, X3
from bench.product import CONFIG, Product

TOPOLOGY = "article"
SUBJECTS = ("agent/core/proposal/", "agent/core/proxmox/", "agent/operations/setup", "agent/cli/act/setup", "tests/pve/",
            "agent/operations/plug_proof", "agent/operations/guest_agent", "agent/core/checks/plug_watch", "config/guest/")
SECONDS = 1150
MEMORY = 7

PROXMOX = Path(__file__).resolve().parent.parent.parent / "pve" / "proxmox"
PVE_START = Path(__file__).parent / "pve-start"
LISTS_USB = Path(__file__).resolve().parents[3] / "config" / "guest" / "linux-usb"
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
    given = after_the_reboot(bench, check, product)
    a_linux_inside(bench, check, product, given)
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
        self._pipe, self._code = f"/run/keys-{name}", f"/run/code-{name}"
        self.keys = 0
        bench.run(f"rm -f {self._pipe} {self._code}; mkfifo {self._pipe}")
        self._job = bench.spawn(f"sleep 1000 >{self._pipe} & exec env TERM=dumb script -qec '{command}; echo ended with $? >{self._code}' /dev/null <{self._pipe}", name)

    def output(self):
        """What was on the screen, and how the program ended: script(1) itself may go round in circles then, and not say it."""
        return self._job.output() + self._bench.run(f"cat {self._code}", check=False).out

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
    for order in ((101, 102), (102, 101)):
        for vm in order:
            started = start(bench, vm, given)
            check(f"VM {vm} runs, {order[0]} first", started.rc == 0, started)
        verify = product.run("verify")
        check(f"verify finds nothing wrong, {order[0]} first", verify.rc == 0 and "Nothing is wrong; 2 notes" in verify.out
              and verify.out.count("note   interrupts") == 2, verify.out)  # each VM's, on a CPU of the other
        for vm in order:
            stop(bench, vm)
    return given


def start(bench, vm, given):
    """Start a VM as Proxmox VE does; it holds its pages and functions, and does nothing."""
    functions = given[vm - 101]
    node = 0 if X0 in functions else 1
    devices = " ".join(f"-device vfio-pci,host={address}" for address in functions)
    return bench.run(f"/root/pve-start {vm} {node} 2 {('0-1', '2-3')[node]} 1 {devices}", 180, check=False)


def stop(bench, vm):
    bench.run(f"p=$(cat /run/qemu-server/{vm}.pid) && kill $p && while [ -d /proc/$p ]; do sleep 0.1; done; "
              f"rm -f /run/qemu-server/{vm}.pid", check=False)


# In the image of the VM, in the place of a guest agent: what the product's own script lists, again and again, on the second
# serial port. tests/pve/proxmox answers from there.
SEES = r"""#!/bin/sh
[ "$1" != prereqs ] || exit 0
modprobe xhci_pci
echo "OS debian" >/dev/ttyS1
n=0
while [ $n -lt 900 ]; do
    sh /lists-usb | while IFS= read -r line; do printf 'SEES %s\n' "$line"; done >/dev/ttyS1
    n=$((n + 1))
    sleep 1
done
"""
# Its hook for the image.
TAKES_ALONG = r"""#!/bin/sh
[ "$1" != prereqs ] || exit 0
cp /root/lists-usb "$DESTDIR/lists-usb"
"""


def a_linux_inside(bench, check, product, given):
    """The kernel of the bench once more, in a VM that has the controller of front-1; VM 102 runs beside it."""
    check("front-1 is VM 101's", given[0] == [X0], given)
    bench.put(LISTS_USB, "/root/lists-usb")
    bench.run("cp -a /etc/initramfs-tools /root/inside; rm -f /root/inside/hooks/hostsplit /root/inside/scripts/init-top/hostsplit; "
              "mkdir -p /root/inside/scripts/init-premount; echo xhci_pci >>/root/inside/modules")
    bench.put_text("/root/inside/scripts/init-premount/sees", SEES, "755")
    bench.put_text("/root/inside/hooks/lists-usb", TAKES_ALONG, "755")
    bench.run("mkinitramfs -d /root/inside -o /root/inside.img", 300)
    started = start(bench, 102, given)
    check("VM 102 runs beside it", started.rc == 0, started)
    off = product.run("verify --plug front-1")
    check("a VM that does not run is named", off.rc == 1 and "VM 101 is not running" in off.err, off)
    vm = bench.spawn("exec kvm -nodefaults -display none -machine q35 -accel kvm -cpu host -m 640 "
                     "-pidfile /var/run/qemu-server/101.pid "
                     "-kernel /boot/vmlinuz-$(uname -r) -initrd /root/inside.img -append 'console=ttyS0 hostsplit=off' "
                     "-serial file:/root/inside.log -serial file:/run/qemu-server/101.guest "
                     f"-device vfio-pci,host={X0}", "inside")
    agents_answer(bench, check, product)
    stick_in_the_socket(bench, check)
    stick_elsewhere(bench, check)
    vm.signal("KILL")
    stop(bench, 102)
    bench.run("rm -f /run/qemu-server/101.pid; for vm in 101 102; do qm set $vm --delete agent; done; rm -f /run/qemu-server/*.guest")


def sees(bench):
    """What the Linux inside says it has."""
    return bench.run("cat /run/qemu-server/101.guest", check=False).out.replace("\r", "")


def agents_answer(bench, check, product):
    eventually(lambda: bench.run("test -s /run/qemu-server/101.pid", check=False).rc == 0, 60)
    without = product.run("verify --plug front-1")
    check("without a guest agent it says how to get one", without.rc == 1 and "qm set 101 --agent 1" in without.err, without)
    # As if they had had it when they started.
    bench.run("for vm in 101 102; do mv /run/qemu-server/$vm.pid /run/$vm.pid; qm set $vm --agent 1; "
              "mv /run/$vm.pid /run/qemu-server/$vm.pid; done; printf 'OS debian\nSEES end\n' >/run/qemu-server/102.guest")
    log = lambda: bench.run("tail -c 2000 /root/inside.log", check=False).out
    check("a Linux boots in VM 101", eventually(lambda: "SEES end" in sees(bench), 420), (sees(bench), log()))


def proof(bench, options, stick, controller):
    """Run verify --plug front-1 and plug that stick when it asks; the Terminal, ended."""
    screen = Terminal(bench, f"hostsplit verify --plug front-1 {options}", f"plug-{stick}")
    asked = screen.wait_for("Plug a USB stick into front-1 now", 1, 300)
    bench.plug(controller, "1", stick)
    ended = asked and screen.wait_for("ended with ", 1, 300)
    screen.end(1)
    return screen.output() if ended else f"it did not ask or end: {screen.output()}"


def stick_in_the_socket(bench, check):
    said = proof(bench, "--timeout 180", "PROOF", "x0")
    print("     " + said.replace("\n", "\n     "))
    check("verify --plug: seen by VM 101 and by nobody else", "ended with 0" in said and "PROOF" in said
          and "is seen by VM 101 and by nobody else" in said, said)
    check("the Linux inside has it", "\tPROOF\t" in sees(bench), sees(bench)[-500:])
    check("the host has not", "PROOF" not in bench.run("cat /sys/bus/usb/devices/*/serial", check=False).out)
    bench.unplug("PROOF")


def stick_elsewhere(bench, check):
    said = proof(bench, "--timeout 180 --json", "OTHER", "x1")
    check("a stick in another socket is wrong", "ended with 3" in said, said)
    document = json.loads(said[said.index("{"):said.rindex("}") + 1]) if "{" in said else {}
    verdicts = {each["subject"]: each["verdict"] for each in document.get("checks", [])}
    check("it is the host's, and no VM's", verdicts == {"VM 101": "wrong", "host": "wrong", "VM 102": "right"}, document)
    check("the Linux inside never had it", "OTHER" not in sees(bench), sees(bench)[-500:])
    bench.unplug("OTHER")


def undo(bench, check, product, before):
    product.undo(check, before[0])
    check("drivers and pages are as before", product.sysfs() == before[1], product.sysfs())
    changed = sorted(set(files(bench).splitlines()) ^ set(before[2].splitlines()))
    check("/boot and /etc/pve are as before", not changed, changed)
