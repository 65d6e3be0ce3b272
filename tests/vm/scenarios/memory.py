"""Memory: verify on good and wrong placements, Proxmox VE's trimming, the hook, short reservations."""

import json
import re
from pathlib import Path

from bench import eventually
from bench.article import X0, X1
from bench.product import Product

TOPOLOGY = "article"
SUBJECTS = ("agent/core/memory/", "agent/host/", "config/hook")
SECONDS = 400
MEMORY = 16

PVE_START = Path(__file__).parent / "pve-start"
BOOT_PLAN = "/etc/hostsplit/boot/plan"
CPUS = {0: "0-1", 1: "2-3"}
HOOK = "/usr/share/hostsplit/hostsplit-hook"
CONFIG = f"""
[host]
keep_free = "2GiB"
pages = "run-time"
[vm.101]
name = "fluent-a"
node = 0
memory = "2GiB"
controllers = ["{X0}"]
[vm.102]
name = "fluent-b"
node = 1
memory = "2GiB"
controllers = ["{X1}"]
"""


def run(bench, check):
    product = Product(bench)
    bench.put(PVE_START, "/root/pve-start")
    bench.run("chmod +x /root/pve-start")
    product.configure(CONFIG)
    applied = product.run("apply --yes")
    check("two VMs of 2 GiB are applied", applied.rc == 0 and pages(product) == (2, 2), applied)
    good(bench, check)
    bench.run("systemctl stop hostsplitd")
    wrong(bench, check, product)
    mixed(bench, check)
    without_us(bench, check)
    bench.run("systemctl start hostsplitd")
    trimmed(bench, check, product)
    hook(bench, check, product)
    short(bench, check, product)


def pages(product):
    return product.pages(0), product.pages(1)


def start(bench, vm, node, keep=1, gib=2, cpus=None, more=""):
    return bench.run(f"/root/pve-start {vm} {node} {gib} {cpus or CPUS[node]} {keep} {more}", 180, check=False)


def stop(bench, *vms):
    """Ends VMs and waits until they are gone; the pid file stays, as after a kill on a real host."""
    for vm in vms or (101, 102):
        bench.run(f"p=$(cat /run/qemu-server/{vm}.pid 2>/dev/null) && kill $p && "
                  "while [ -d /proc/$p ]; do sleep 0.1; done; true", check=False)


def verdicts(bench, words=""):
    """(exit code, wrong checks as 'VM check subject', the whole document) of verify."""
    result = bench.run(f"hostsplit verify --json {words}", check=False)
    document = json.loads(result.out)
    found = [(vm["vm"], c["check"], c["subject"]) for vm in document["vms"] for c in vm["checks"] if c["verdict"] == "wrong"]
    found += [("pool", c["check"], c["subject"]) for c in document["pools"] if c["verdict"] == "wrong"]
    return result.rc, found, document


def good(bench, check):
    first = start(bench, 101, 0, more=f"-device vfio-pci,host={X0}")
    second = start(bench, 102, 1, more=f"-device vfio-pci,host={X1}")
    check("both VMs start", first.rc == 0 and second.rc == 0, f"{first} {second}")
    rc, found, document = verdicts(bench)
    check("verify: a good placement is right throughout, exit 0", rc == 0 and not found and document["ok"], document)
    said = [c["found"] for vm in document["vms"] for c in vm["checks"] if c["check"] == "memory"]
    check("verify counts the memory of both", said == ["2048 MiB in huge pages"] * 2, said)
    threads = [c["subject"] for vm in document["vms"] for c in vm["checks"] if c["check"] == "cpus"]
    counted = bench.run("for v in 101 102; do ls /proc/$(cat /run/qemu-server/$v.pid)/task | wc -l; done").out.split()
    check("verify looks at every thread", threads == [f"all {n} threads" for n in counted], f"{threads} {counted}")
    print(bench.run("hostsplit verify", check=False).out)


def wrong(bench, check, product):
    pid = bench.run("cat /run/qemu-server/101.pid").out.strip()
    thread = bench.run(f"ls /proc/{pid}/task | tail -1").out.strip()
    bench.run(f"taskset -pc 0-3 {thread}")
    rc, found, _ = verdicts(bench, "101")
    check("wrong 1: affinity of one thread", rc == 3 and [f[:2] for f in found] == [(101, "cpus")] and thread in found[0][2],
          found)

    stop(bench)
    start(bench, 101, 1, cpus="0-1")
    rc, found, _ = verdicts(bench, "101")
    check("wrong 2: node", rc == 3 and [f[1:] for f in found if f[1] == "memory"] == [("memory", "node 0"), ("memory", "node 1")],
          found)
    stop(bench)

    bench.run("taskset -c 2-3 kvm -pidfile /var/run/qemu-server/102.pid -daemonize -S -nodefaults -display none "
              "-machine q35 -accel tcg -m 1024 -object memory-backend-ram,id=r,size=1G,prealloc=on,host-nodes=1,policy=bind "
              "-numa node,memdev=r", 120)
    rc, found, document = verdicts(bench, "102")
    check("wrong 3: pages of 4 KiB", rc == 3 and [f[1:] for f in found if f[0] == 102] == [
        ("page-size", "guest memory"), ("memory", "node 1"), ("overhead", "ordinary pages")], document)
    stop(bench)

    bench.run(f"d=/sys/bus/pci/devices/{X1}; echo > $d/driver_override; echo {X1} > $d/driver/unbind; "
              f"echo {X1} > /sys/bus/pci/drivers_probe")
    rc, found, _ = verdicts(bench, "102")
    check("wrong 4: driver", rc == 3 and found == [(102, "function", X1)], found)
    refused = bench.run(f"{HOOK} 102 pre-start", check=False)
    check("the hook holds that VM back with one sentence", refused.rc == 1 and "VM 102 cannot start" in refused.err
          and X1 in refused.err and refused.err.count("\n") == 1, refused)
    bench.run(f"d=/sys/bus/pci/devices/{X1}; echo vfio-pci > $d/driver_override; echo {X1} > $d/driver/unbind; "
              f"echo {X1} > /sys/bus/pci/drivers_probe")

    bench.run("echo 1 > /sys/devices/system/node/node0/hugepages/hugepages-1048576kB/nr_hugepages")
    rc, found, _ = verdicts(bench)
    check("wrong 5: pool short", rc == 3 and found == [("pool", "pool", "node 0, 1 GiB")], found)
    bench.run("echo 2 > /sys/devices/system/node/node0/hugepages/hugepages-1048576kB/nr_hugepages")
    check("the pool is whole again", pages(product) == (2, 2), pages(product))


# A frame buffer for Looking Glass, a directory of the host, a disk whose reads the kernel hands to workers of io_uring; each is
# memory or a thread of the process and none of them the guest's.
MIXED = ("-object memory-backend-file,id=kvmfr,mem-path=/dev/shm/looking-glass,size=32M,share=on "
         "-device ivshmem-plain,memdev=kvmfr,bus=pcie.0 "
         "-chardev socket,id=vfs,path=/run/virtiofs.sock -device vhost-user-fs-pci,chardev=vfs,tag=data "
         "-drive file=/root/disk.raw,format=raw,if=none,id=d0,aio=io_uring,cache=writeback -device virtio-blk-pci,drive=d0 "
         "-qmp unix:/run/qemu-server/101.qmp,server=on,wait=off")
VIRTIOFSD = "exec /usr/libexec/virtiofsd --socket-path=/run/virtiofs.sock --shared-dir=/srv --sandbox=none"
READ = r"""
use Socket;
socket(my $q, AF_UNIX, SOCK_STREAM, 0); connect($q, sockaddr_un("/run/qemu-server/101.qmp")) or die "$!";
$q->autoflush(1); my $line = <$q>;
print $q '{"execute":"qmp_capabilities"}' . "\n"; $line = <$q>;
for my $n (0 .. 199) {
  my $at = $n * 262144;
  print $q '{"execute":"human-monitor-command","arguments":{"command-line":"qemu-io d0 \\"aio_write ' . $at . ' 262144\\""}}' . "\n";
  $line = <$q>;
}
"""


def mixed(bench, check):
    """More in one process than the guest: verify looks past it, and sees threads that are on the other node."""
    bench.run("truncate -s 64M /root/disk.raw")
    daemon = bench.spawn(VIRTIOFSD, "virtiofsd")
    eventually(lambda: bench.run("test -S /run/virtiofs.sock", check=False).rc == 0, 30)
    started = start(bench, 101, 0, more=MIXED)
    check("mixed: a VM with ivshmem, virtiofs and io_uring starts", started.rc == 0, (started, daemon.output()))
    bench.put_text("/root/read.pl", READ)
    load = bench.spawn("while perl -MIO::Handle /root/read.pl; do :; done", "load")
    task = "cat /proc/$(cat /run/qemu-server/101.pid)/task/*/comm | sort | uniq -c"
    worked = eventually(lambda: "iou-wrk" in bench.run(task, check=False).out, 30, 0.2)
    print(f"     mixed: workers of io_uring {'seen' if worked else 'not seen'}: {bench.run(task).out.split()}")
    rc, found, document = verdicts(bench, "101")
    wrongs = [f for f in found if f[1] != "function"]
    check("mixed: verify is right about it", not wrongs and any(
        c["check"] == "memory" and c["found"].startswith("2048 MiB") for vm in document["vms"] for c in vm["checks"]), document)
    bench.run("taskset -apc 2-3 $(cat /run/qemu-server/101.pid)")
    rc, found, document = verdicts(bench, "101")
    check("mixed: threads on the other node are wrong", rc == 3 and any(f[1] == "cpus" for f in found), document)
    load.signal("KILL")
    stop(bench, 101)  # and with it virtiofsd, which lives as long as its VM


def occupy(bench, node):
    """Other programs use the memory that is free now: as pages of 2 MiB, which are not even touched."""
    bench.run(f"cd /sys/devices/system/node/node{node}; free=$(awk '/MemFree/ {{print $4}}' meminfo); "
              "echo $(( (free - 600000) / 2048 )) > hugepages/hugepages-2048kB/nr_hugepages")


def leave(bench):
    bench.run("for n in 0 1; do echo 0 > /sys/devices/system/node/node$n/hugepages/hugepages-2048kB/nr_hugepages; done")


def without_us(bench, check):
    first = start(bench, 101, 0, keep=0)
    occupy(bench, 1)
    second = start(bench, 102, 1, keep=0)
    check("without hostsplit the second VM does not start", first.rc == 0 and second.rc == 1
          and "hugepage allocation failed" in second.out, f"{first} {second}")
    leave(bench)
    stop(bench)


def trimmed(bench, check, product):
    whole = eventually(lambda: pages(product) == (2, 2), 60, 1)
    check("the service brings the pools back", whole, pages(product))
    for number in range(3):
        for order in ((101, 102), (102, 101)):
            bench.run(f"{HOOK} {order[0]} pre-start", check=False)
            first = start(bench, order[0], order[0] - 101, keep=0)
            ready = bench.run(f"{HOOK} {order[1]} pre-start", check=False)
            occupy(bench, order[1] - 101)
            second = start(bench, order[1], order[1] - 101, keep=0)
            check(f"with hostsplit both start, {order[0]} first, time {number + 1}",
                  first.rc == 0 and ready.rc == 0 and second.rc == 0, f"{first} {ready} {second}")
            leave(bench)
            whole = eventually(lambda: pages(product) == (2, 2) and surplus(bench) == 0, 90, 0.5)
            check("and nothing is left over", whole, f"{pages(product)} surplus {surplus(bench)}")
            if number == 2 and order[0] == 102:
                rc, found, document = verdicts(bench)
                wrongs = [f for f in found if f[1] != "function"]
                check("verify is content in the end", not wrongs, document)
            stop(bench)
    wipes = product.journal(event="wipe")
    check("the journal calls it what it is", wipes and "Proxmox VE" in wipes[0]["MESSAGE"], wipes[:1])
    print(f"     {len(wipes)} wipes seen by the service; the first: {wipes[0]['MESSAGE'] if wipes else ''}")

    first = start(bench, 101, 0, keep=0)
    began = bench.run("date +%s.%N").out
    back = eventually(lambda: product.pages(1) == 2 and surplus(bench) == 0, 60, 0.2)
    took = float(bench.run("date +%s.%N").out) - float(began)
    check("without any hook the service alone mends it", first.rc == 0 and back, pages(product))
    print(f"     after {took:.1f} s")
    stop(bench)


def surplus(bench):
    out = bench.run("cat /sys/devices/system/node/node*/hugepages/hugepages-1048576kB/surplus_hugepages").out
    return sum(int(word) for word in out.split())


def hook(bench, check, product):
    stranger = bench.run(f"{HOOK} 900 pre-start", check=False)
    check("the hook lets an unknown VM start untouched", stranger.rc == 0 and not stranger.out + stranger.err, stranger)
    ready, seconds = bench.timed(f"{HOOK} 101 pre-start", check=False)
    check("and a VM that is ready", ready.rc == 0, ready)
    print(f"     in {seconds:.2f} s")
    bench.run(f"cp {BOOT_PLAN} /root/plan; echo garbage >> {BOOT_PLAN}")
    broken = bench.run(f"{HOOK} 101 pre-start", check=False)
    check("a hostsplit that is broken holds nothing back", broken.rc == 0 and BOOT_PLAN in broken.out, broken)
    bench.run(f"cp /root/plan {BOOT_PLAN}")
    start(bench, 101, 0, cpus="0-3")
    after = bench.run(f"{HOOK} 101 post-start", check=False)
    check("after the start the task log says what is wrong", after.rc == 0 and "cpus" in after.out, after)
    stop(bench)


def short(bench, check, product):
    """More than whole gibibytes are there: the kernel itself comes up short, whatever helps it."""
    bench.run("systemctl stop hostsplitd; dd if=/dev/vda of=/dev/null bs=1M count=400 2>/dev/null")
    bench.run(f"cp {BOOT_PLAN} /root/plan; sed -i -e 's/^floor .*/floor keep_free=0/' "
              f"-e 's/^pages node=0 .*/pages node=0 size=1048576 count=7 vms=101:2,102:5/' {BOOT_PLAN}")
    result = bench.run("hostsplit boot", 300, check=False)
    failed = product.journal(event="reserve", node="0", result="failed")
    said = failed[-1]["MESSAGE"] if failed else ""
    check("short: asked and got per node, help, and who finds no room",
          re.search(r"only \d of \d, 3 times helped", said) and "no room for VM 102" in said, f"{result} {said}")
    print(f"     {said}")
    check("the other node has its pages all the same", product.pages(1) == 2, pages(product))
    rc, found, _ = verdicts(bench)
    check("verify says so", rc == 3 and ("pool", "pool", "node 0, 1 GiB") in found, found)
    bench.run(f"cp /root/plan {BOOT_PLAN}")
    back = bench.run("hostsplit boot", 300, check=False)
    check("what is too much shrinks", pages(product) == (2, 2), f"{back} {pages(product)}")
    product.configure(CONFIG.replace('memory = "2GiB"', 'memory = "40GiB"', 1))
    refused = product.run("plan")
    check("too much memory is refused, and it is said what fits", refused.rc == 3 and "At most 5 pages" in refused.out, refused)
