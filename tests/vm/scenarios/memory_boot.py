"""Memory at boot: a kernel command line that takes far too much, and a boot plan that asks for far too much."""

from bench.product import Product

TOPOLOGY = "article"

BOOT_PLAN = "/etc/hostsplit/boot/plan"
GRUB = "/etc/default/grub.d/zz-pages.cfg"
CONFIG = """
[host]
keep_free = "2GiB"
[vm.101]
node = 0
memory = "2GiB"
[vm.102]
node = 1
memory = "2GiB"
"""


def run(bench, check):
    product = Product(bench)
    bench.install()
    product.configure(CONFIG)
    applied = product.run("apply --yes")
    check("two VMs of 2 GiB are applied", applied.rc == 0, applied)

    bench.put_text(GRUB, 'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT hugepagesz=1G hugepages=12"\n')
    bench.run("update-grub", 180)
    bench.reboot()
    state = bench.wait_running()
    taken = bench.run("dmesg | grep -i 'HugeTLB: registered 1.00\\|HugeTLB: allocating' | tail -2", check=False).out
    check("the command line reserves 12 pages", "hugepages=12" in bench.run("cat /proc/cmdline").out, taken)
    check("the early unit brings the pools down to what was applied, the floor is intact",
          pages(product) == (2, 2) and min(room(bench, node) for node in (0, 1)) >= 1900 and state == "running",
          f"{pages(product)} {room(bench, 0)} {room(bench, 1)} {state} {taken}")
    codes = [f["code"] for f in product.json("doctor")["findings"] if f["severity"] == "error"]
    check("doctor catches it", "boot-pages-over-floor" in codes, codes)
    print(f"     {taken}")
    lowered = product.journal(event="reserve", result="done")
    print(f"     {[(e.get('HOSTSPLIT_NODE'), e.get('HOSTSPLIT_FROM'), e.get('HOSTSPLIT_TO')) for e in lowered]}")

    bench.run(f"rm {GRUB}; sed -i 's/^pages node=0 .*/pages node=0 size=1048576 count=40 vms=101:40/' {BOOT_PLAN}")
    bench.run("update-grub", 180)
    bench.reboot()
    state = bench.wait_running()
    failed = product.journal(event="reserve", node="0", result="failed")
    said = failed[0]["MESSAGE"] if failed else ""
    check("a boot plan forced too large is clamped at boot", 0 < product.pages(0) <= 6 and product.pages(1) == 2, pages(product))
    check("the host keeps its floor and boots without failed units", room(bench, 0) >= 1900 and state == "running",
          f"{room(bench, 0)} MiB, {state}")
    check("the journal says what came, and who finds no room", "no room for VM 101" in said, said)
    print(f"     {pages(product)} pages, {room(bench, 0)} MiB left on node 0: {said}")


def pages(product):
    return product.pages(0), product.pages(1)


def room(bench, node):
    """Memory of a node in MiB that the host can use."""
    return int(bench.run("awk '/MemFree|FilePages|SReclaimable/ {s += $4} END {print int(s / 1024)}' "
                         f"/sys/devices/system/node/node{node}/meminfo").out)
