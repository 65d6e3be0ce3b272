"""Neighbours that do not answer: a bus, a journal, a login manager that are stopped, an /etc/pve that hangs, messages of 31 MB,
a modprobe in the initramfs that never ends. Throughout, drifts are repaired, the hook of a VM answers and vetoes nothing, and
no lock stays; the boot goes on."""

import contextlib
import time

from bench import eventually
from bench.article import BOTH, X0, X2, X3
from bench.product import BUS, Product, main_pid

TOPOLOGY = "article"
SUBJECTS = ("agent/service/", "agent/host/system/", "agent/host/effects/", "agent/operations/hook", "config/initramfs/")
SECONDS = 700
MEMORY = 2

HOOK_BOUND = 60  # of the start of a VM; its own is 50 s (docs/decisions.md)

# A file system of FUSE whose server never reads a request: what touches it waits until the connection is gone.
HANGING = r"""
use Fcntl;
sysopen(my $fuse, "/dev/fuse", O_RDWR) or die "no /dev/fuse: $!";
my $options = sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fileno($fuse));
my ($source, $target, $type) = ("pmxcfs", "/etc/pve", "fuse");
syscall(165, $source, $target, $type, 0, $options) == 0 or die "mount: $!";
sleep 100000;
"""

# Fills the socket of the journal until it takes no more.
FILL = r"""
use Socket;
socket(my $journal, AF_UNIX, SOCK_DGRAM, 0) or die;
connect($journal, sockaddr_un("/run/systemd/journal/socket")) or die "$!";
my $count = 0;
$count++ while defined(send($journal, "MESSAGE=filler\n", 0x40));
print $count;
"""

# In the image: everything but the driver of this product loads as ever.
HANGING_MODPROBE = r"""#!/bin/sh
[ "$1" != prereqs ] || exit 0
. /usr/share/initramfs-tools/hook-functions
mkdir -p "$DESTDIR/usr/lib/real"
cp "$(readlink -f /sbin/modprobe)" "$DESTDIR/usr/lib/real/modprobe"
rm -f "$DESTDIR/sbin/modprobe"
cat >"$DESTDIR/sbin/modprobe" <<'END'
#!/bin/sh
case "$*" in *vfio*) echo hangs >/run/modprobe-hangs; while :; do sleep 1000; done ;; esac
exec /usr/lib/real/modprobe "$@"
END
chmod +x "$DESTDIR/sbin/modprobe"
"""


def run(bench, check):
    product = Product(bench)
    bench.install_beside("hostsplit-measure")
    product.configure(BOTH)
    applied = product.run("apply --yes")
    check("apply succeeds", applied.rc == 0, applied)
    big_messages(bench, check)
    silent_login(bench, check, product)
    silent_journal(bench, check, product)
    silent_bus(bench, check, product)
    hung_proxmox(bench, check, product)
    hung_modprobe(bench, check, product)


def answers(bench, check, what, allowance=0.0):
    """Five calls of the service, each within a second."""
    slowest = 0.0
    for _ in range(5):
        result, seconds = bench.timed(f"busctl --timeout=30 call {BUS} Describe >/dev/null", check=False)
        slowest = max(slowest, seconds if result.rc == 0 else 30.0)
    print(f"     {what}: the slowest answer of the service after {slowest:.2f} s", flush=True)
    check(f"{what}: the service answers within a second", slowest < 1.0 + allowance, f"{slowest:.2f} s")


def hook_lets_start(bench, check, what):
    result, seconds = bench.timed("hostsplit hookscript 101 pre-start </dev/null", 3 * HOOK_BOUND, check=False)
    print(f"     {what}: the hook answers after {seconds:.1f} s", flush=True)
    check(f"{what}: VM 101 may start, and need not wait", result.rc == 0 and seconds < HOOK_BOUND, (seconds, result))


def locks_are_free(bench, check, what):
    free = eventually(lambda: bench.run("flock -n /run/hostsplit/lock true && flock -n /var/lock/hugepages.lck true",
                                        check=False).rc == 0, 30)
    check(f"{what}: the locks are free", free, bench.run("cat /proc/locks").out)


def repairs(bench, check, product, what, address=X0):
    product.bind_by_hand(address)
    check(f"{what}: a drift is repaired", eventually(lambda: product.drivers()[address] == "vfio-pci", 60),
          product.drivers())


def unhurt(bench, check, what, pid):
    now = main_pid(bench)
    check(f"{what}: the service was not restarted", now == pid, (pid, now))


@contextlib.contextmanager
def stopped(bench, unit):
    """A service that is there and does nothing. PID 1 may not end it for that."""
    drop = f"/run/systemd/system/{unit}.service.d"
    bench.run(f"mkdir -p {drop}; printf '[Service]\\nWatchdogSec=0\\n' >{drop}/bench.conf; systemctl daemon-reload; "
              f"systemctl restart {unit}")
    time.sleep(2)
    pid = bench.run(f"systemctl show -P MainPID {unit}").out.strip()
    bench.run(f"kill -STOP {pid}")
    try:
        yield pid
    finally:
        bench.run(f"kill -CONT {pid}; rm -r {drop}; systemctl daemon-reload", check=False)


def big_messages(bench, check):
    pid = main_pid(bench)
    for shape in ("text", "words", "configuration"):
        job = bench.spawn(f"/usr/libexec/hostsplit/hostsplit-bus-fuzz --big {shape} 4", f"big-{shape}")
        slowest, peer, count = 0.0, 0.0, 0
        while job.rc() is None and count < 60:
            result, seconds = bench.timed(f"busctl --timeout=30 call {BUS} Describe >/dev/null", check=False)
            slowest, count = max(slowest, seconds if result.rc == 0 else 30.0), count + 1
            peer = max(peer, bench.timed("busctl --timeout=30 call org.freedesktop.DBus / org.freedesktop.DBus GetId", check=False)[1])
        print(f"     {shape} of 31 MB: {job.output().strip()}; slowest of {count} answers {slowest:.2f} s, of the bus itself {peer:.2f} s",
              flush=True)
        check(f"{shape} of 31 MB: refused", "answered" not in job.output() and job.output().strip() != "", job.output())
        check(f"{shape} of 31 MB: the service answers within a second of the bus", slowest < peer + 1.0, (slowest, peer))
    unhurt(bench, check, "big messages", pid)


def silent_login(bench, check, product):
    with stopped(bench, "systemd-logind"):
        product.configure(BOTH.replace(f'[vm.102]\ncontrollers = ["{X2}"]\n', ""))
        result, seconds = bench.timed("hostsplit apply --yes </dev/null", 180, check=False)
        print(f"     systemd-logind does not answer: apply takes {seconds:.1f} s", flush=True)
        check("systemd-logind does not answer: apply goes on", result.rc == 0 and product.drivers()[X2] == "xhci_hcd", result)
        answers(bench, check, "systemd-logind does not answer")
    product.configure(BOTH)
    again = product.run("apply --yes")
    check("and gives it back", again.rc == 0 and product.drivers()[X2] == "vfio-pci", again)


def silent_journal(bench, check, product):
    pid = main_pid(bench)
    with stopped(bench, "systemd-journald"):
        bench.put_text("/root/fill.pl", FILL)
        print(f"     the journal took {bench.run('perl /root/fill.pl').out} records more", flush=True)
        repairs(bench, check, product, "the journal takes nothing")
        answers(bench, check, "the journal takes nothing")
        hook_lets_start(bench, check, "the journal takes nothing")
        locks_are_free(bench, check, "the journal takes nothing")
        unhurt(bench, check, "the journal takes nothing", pid)
    repairs(bench, check, product, "the journal is back")


def silent_bus(bench, check, product):
    pid = main_pid(bench)
    dbus = bench.run("systemctl show -P MainPID dbus").out.strip()
    bench.run(f"kill -STOP {dbus}")
    try:
        repairs(bench, check, product, "the bus is silent")
        hook_lets_start(bench, check, "the bus is silent")
        result, seconds = bench.timed("hostsplit apply --yes </dev/null", 180, check=False)
        print(f"     the bus is silent: apply ends with {result.rc} after {seconds:.1f} s", flush=True)
        check("the bus is silent: apply ends", result.rc in (0, 1) and seconds < 120, result)
        time.sleep(35)  # longer than the watchdog
        unhurt(bench, check, "the bus is silent", pid)
        bench.run(f"kill -KILL {pid}")
        check("the bus is silent: a service that starts repairs, too", eventually(lambda: main_pid(bench) not in ("0", pid), 120))
        repairs(bench, check, product, "the bus is silent at the start", X2)
    finally:
        bench.run(f"kill -CONT {dbus}")
    locks_are_free(bench, check, "the bus was silent")
    back = eventually(lambda: bench.run(f"busctl --timeout=5 call {BUS} Describe", check=False).rc == 0, 90)
    check("the bus is back: so is the service", back, bench.run("systemctl status hostsplitd", check=False).out)


def hung_proxmox(bench, check, product):
    pid = main_pid(bench)
    bench.run("mkdir -p /etc/pve; modprobe fuse")
    bench.put_text("/root/hanging.pl", HANGING)
    server = bench.spawn("exec perl /root/hanging.pl", "hanging")
    check("/etc/pve hangs", eventually(lambda: bench.run("grep ' /etc/pve ' /proc/mounts", check=False).rc == 0, 30)
          and bench.run("timeout -s KILL 3 ls /etc/pve", check=False).rc != 0, server.output())
    repairs(bench, check, product, "/etc/pve hangs")
    answers(bench, check, "/etc/pve hangs")
    for verb in ("status", "plan", "doctor", "verify"):
        result, seconds = bench.timed(f"hostsplit {verb} </dev/null", 180, check=False)
        print(f"     /etc/pve hangs: {verb} ends with {result.rc} after {seconds:.1f} s", flush=True)
        check(f"/etc/pve hangs: {verb} ends, and says so", result.rc in (0, 3) and seconds < 30
              and ("/etc/pve" in result.out or verb == "status"), result)
    hook_lets_start(bench, check, "/etc/pve hangs")
    locks_are_free(bench, check, "/etc/pve hangs")
    unhurt(bench, check, "/etc/pve hangs", pid)
    server.signal("KILL")
    bench.run("umount -l /etc/pve; rmdir /etc/pve")
    check("/etc/pve is gone: no process of ours is left", eventually(lambda: left_behind(bench) == "0", 60), left_behind(bench))


def left_behind(bench):
    """Processes of ours that sleep uninterruptibly."""
    return bench.run("ps -eo stat,comm | grep -c '^D.*hostsplit'", check=False).out.strip()


def hung_modprobe(bench, check, product):
    product.configure(BOTH, boot="initramfs")
    bench.put_text("/etc/initramfs-tools/hooks/zz-hanging", HANGING_MODPROBE, "755")
    applied = product.run("apply --yes", 900)
    check("apply on rung boot succeeds", applied.rc == 0, applied)
    bench.reboot()
    check("modprobe hung in the initramfs", bench.run("test -e /run/modprobe-hangs", check=False).rc == 0, product.kernel_log("hostsplit"))
    said = product.kernel_log("modprobe vfio-pci has not ended")
    check("the kernel log says that the boot went on without it", bool(said), product.kernel_log("hostsplit"))
    check("and the controllers are the VMs' all the same", eventually(
        lambda: [product.drivers()[a] for a in (X0, X2, X3)] == ["vfio-pci"] * 3, 120), product.drivers())
