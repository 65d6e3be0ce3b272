"""Words on the kernel command line by GRUB. Memory at boot: far too many pages written by hand, a boot plan that asks for far
too many, and memory that is scattered. `iommu=pt` by wish: put beside the words of others, pending until the reboot, gone when
it is not wanted any more; the word for an IOMMU that is off by itself takes the same way, but every kernel the bench can have
switches it on."""

import re

from bench.article import X0
from bench.product import Product

TOPOLOGY = "article"
SUBJECTS = ("agent/core/memory/", "agent/core/boot/", "config/grub/")
SECONDS = 300
PROVEN = False
MEMORY = 9

BOOT_PLAN = "/etc/hostsplit/boot/plan"
BY_HAND = "/etc/default/grub.d/by-hand.cfg"
TOO_MANY = "hugepagesz=1G hugepages=13"  # of two nodes of 8 GiB
FLOOR = 1900  # MiB; keep_free is 2 GiB, and what the kernel itself keeps is not counted
WORDS = "/etc/default/grub.d/hostsplit.cfg"
MENU = "sha256sum /boot/grub/grub.cfg; find /etc/default /etc/grub.d -type f | sort"
SPLIT = f'[vm.101]\ncontrollers = ["{X0}"]\n'
CONFIG = f"""
[host]
keep_free = "2GiB"
iommu = "pt"
[vm.101]
node = 0
memory = "2GiB"
controllers = ["{X0}"]
[vm.102]
node = 1
memory = "3GiB"
"""


def run(bench, check):
    product = Product(bench)
    bench.put_text(BY_HAND, f'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT {TOO_MANY}"\n')
    bench.run("sed -i 's/ iommu=pt//' /etc/default/grub.d/bench.cfg && update-grub", 180)
    before = bench.run(MENU).out
    bench.reboot()
    far_too_many(bench, check, product)
    bench.reboot()
    ours_win(bench, check, product)
    by_wish(bench, check, product)
    too_large_a_plan(bench, check, product)
    bench.reboot()
    clamped(bench, check, product)
    scattered(bench, check, product)
    taken_back(bench, check, product, before)


def far_too_many(bench, check, product):
    taken = pages(product)
    left = room(bench, 0), room(bench, 1)
    check("the kernel takes what was written by hand, as far as it finds it, and the floor is gone",
          sum(taken) >= 11 and min(left) < FLOOR, f"{taken} {left}")
    print(f"     {taken} pages; {left} MiB are left")
    product.configure(CONFIG)
    found = {f["code"]: f for f in product.json("doctor")["findings"] if f["severity"] == "error"}
    check("doctor catches it and says what fits", "At most 11 pages" in found.get("boot-pages-over-floor", {}).get("remedy", ""),
          found)
    plan = product.run("plan")
    check("plan puts words of its own before it, and says so", "hugepagesz=1G hugepages=0:2,1:3 hugepages=5" in plan.out
          and "hostsplit's parameters come first" in plan.out, plan)
    kind = bench.run("cat /sys/kernel/iommu_groups/*/type | sort | uniq -c | sort -n | tail -n 1").out
    check("the kernel by itself translates for the host, too", "DMA" in kind, kind)
    steps = product.json("plan")["steps"]
    check("plan shows the word and what it is for", any("iommu=pt" in step["reason"] for step in steps), steps)
    applied = product.run("apply --yes", 300)
    check("apply returns what is too much at once", applied.rc == 0 and pages(product) == (2, 3), f"{pages(product)} {applied}")
    check("what needs no reboot is done at once", product.drivers()[X0] == "vfio-pci", product.drivers())
    check("a reboot is pending", product.json("status")["pending_reboot"] is True)
    again = product.run("apply --yes")
    check("a second apply has nothing to do", again.rc == 0 and "Nothing to do" in again.out, again)


def ours_win(bench, check, product):
    line = bench.run("cat /proc/cmdline").out
    check("both are on the command line, ours first", re.search(f"hugepages=5 .*{TOO_MANY}", line), line)
    log = bench.run("dmesg | grep HugeTLB", check=False).out
    check("the kernel itself takes five pages, not thirteen", re.search(r"registered 1.00 GiB page size, pre-allocated 5 pages",
                                                                       log), log)
    print("     " + log.replace("\n", "\n     "))
    check("per node as configured", pages(product) == (2, 3), pages(product))
    check("the reserve unit had nothing to correct", not product.journal(event="reserve"), product.journal(event="reserve"))
    check("the floor is intact", intact(bench), f"{room(bench, 0)} {room(bench, 1)}")
    status = product.json("status")
    check("no reboot is pending", status["pending_reboot"] is False and not status["pending_changes"], status["findings"])
    errors = [f for f in product.json("doctor")["findings"] if f["severity"] == "error"]
    check("doctor has no error about pages any more", not [f for f in errors if "pages" in f["code"]], errors)


def by_wish(bench, check, product):
    line = bench.get("/proc/cmdline").decode().split()
    check("after the reboot the kernel has the word", "iommu=pt" in line and "hostsplit=off" not in line, line)
    kind = bench.run("cat /sys/bus/pci/devices/0000:00:03.0/iommu_group/type").out.strip()
    check("and the network card goes past the IOMMU", kind == "identity", kind)
    check("the word stays, although it is there now", bench.run(f"cat {WORDS}").out.count("iommu=pt") == 1)
    check("and nothing is left to do", product.run("plan --check").rc == 0, product.run("plan").out)


def too_large_a_plan(bench, check, product):
    product.configure(CONFIG.replace('memory = "2GiB"', 'memory = "40GiB"'))
    refused = product.run("apply --yes")
    check("too much memory is refused, and it is said what fits", refused.rc == 3 and "At most 5 pages" in refused.out, refused)
    product.configure(CONFIG)
    bench.run(f"cp {BOOT_PLAN} /root/plan")
    ask(bench, "count=40 vms=101:2,103:38")


def clamped(bench, check, product):
    state = bench.wait_running()
    said = last_failure(product)
    check("a boot plan forced too large is clamped at boot", 2 < product.pages(0) <= 6 and product.pages(1) == 3, pages(product))
    check("the host keeps its floor and comes up", intact(bench) and state in ("running", "degraded"),
          f"{room(bench, 0)} {room(bench, 1)} {state}")
    check("the journal says what came, and names the VM without room", "keeps 2 GiB free" in said and "no room for VM 103" in said
          and "VM 101" not in said.split("no room")[-1], said)
    print(f"     {pages(product)} pages, {room(bench, 0)} MiB left on node 0, system {state}: {said}")
    failed = bench.run("systemctl --failed --plain --no-legend | cut -d' ' -f1").out.split()
    check("no other unit has failed", set(failed) <= {"hostsplit-reserve.service"}, failed)


def scattered(bench, check, product):
    """All free memory is taken piece by piece with something unmovable between the pieces, then given back; and the rest
    is page cache."""
    bench.run("systemctl stop hostsplitd; mount -t tmpfs -o nr_inodes=0 none /mnt")
    before = most(bench)
    bench.run(SCATTER, 500)
    bench.run("taskset -c 0-1 dd if=/dev/vda of=/dev/null bs=1M count=600 2>/dev/null", 300)
    bench.run(f"sed -i 's/^floor .*/floor keep_free=0/' {BOOT_PLAN}")
    ask(bench, "count=7 vms=101:2,103:5")
    result, seconds = bench.timed("hostsplit boot", 500, check=False)
    said = last_failure(product)
    got = product.pages(0)
    check("scattered: asked and got are told, and that caches were dropped and memory compacted",
          re.search(rf"the kernel found only {got} of 7, 3 times helped", said), f"{got} {result} {said}")
    check("who finds no room is named", f"no room for VM {'101, VM 103' if got < 2 else '103'}" in said, said)
    check("the other node has its pages all the same", product.pages(1) == 3, pages(product))
    print(f"     {before} pages could be had on node 0 before, {got} after; that took {seconds:.0f} s: {said}")
    bench.run("umount /mnt")


POOLS = "/sys/devices/system/node/node0/hugepages/hugepages-"
SCATTER = f"""cd /mnt; pool={POOLS}2048kB/nr_hugepages
for piece in 1 2 3 4 5 6 7; do
  echo $((piece * 450)) > $pool
  seq -f "$piece-%g" 3000 | taskset -c 0-1 xargs touch
done
echo 0 > $pool"""


def most(bench):
    """Pages that node 0 can give when asked for all; none are kept."""
    return int(bench.run(f"cd {POOLS}1048576kB; echo 0 > nr_hugepages; echo 7 > nr_hugepages; cat nr_hugepages; "
                         "echo 0 > nr_hugepages", 300).out)


def taken_back(bench, check, product, before):
    bench.run(f"cp /root/plan {BOOT_PLAN}; systemctl start hostsplitd")
    product.configure(SPLIT)
    applied = product.run("apply --yes", 300)
    menu = bench.get("/boot/grub/grub.cfg").decode()
    check("without the wish the words go, and with them the entry that leaves them out", applied.rc == 0 and "iommu=pt" not in menu
          and "hugepages=0:2" not in menu and "hostsplit=off" not in menu, applied)
    undone = product.run("undo --yes", 300)
    line = bench.run("grep -m 1 '^[[:space:]]*linux' /boot/grub/grub.cfg").out
    check("undo leaves the words written by hand", undone.rc == 0 and TOO_MANY in line, f"{undone} {line}")
    after = bench.run(MENU).out
    check("the menu and its settings are as before, byte for byte", after == before, (before, after))


def ask(bench, what):
    """Make the applied plan ask for this on node 0."""
    bench.run(f"sed -i 's/^pages node=0 .*/pages node=0 size=1048576 {what}/' {BOOT_PLAN}; grep -q '{what}' {BOOT_PLAN}")


def last_failure(product):
    failed = product.journal(event="reserve", node="0", result="failed")
    return failed[-1]["MESSAGE"] if failed else ""


def pages(product):
    return product.pages(0), product.pages(1)


def intact(bench):
    return min(room(bench, node) for node in (0, 1)) >= FLOOR


def room(bench, node):
    """Memory of a node in MiB that the host can use."""
    return int(bench.run("awk '/MemFree|FilePages|SReclaimable/ {s += $4} END {print int(s / 1024)}' "
                         f"/sys/devices/system/node/node{node}/meminfo").out)
