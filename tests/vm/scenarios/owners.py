"""Others who own something of the same host: an administrator who edits the kernel's parameters between apply and undo, a VM
that is not hostsplit's and has huge pages of its own; and the package: reinstalled and upgraded while a split is applied,
removed, purged. Nothing of theirs is lost, and nothing of ours stays."""

import re

from bench import eventually
from bench.grub_count import MENU, SPLIT, config, next_without_hostsplit
from bench.product import Product

TOPOLOGY = "article"
SUBJECTS = ("debian/", "agent/core/memory/", "agent/core/boot/", "agent/core/planner/")
SECONDS = 1200
MEMORY = 8

BY_HAND = "/etc/default/grub.d/by-hand.cfg"
OWNER = "hugepagesz=2M hugepages=150"
POOL = "/sys/devices/system/node/node{}/hugepages/hugepages-2048kB/"
THEIRS = 128  # pages of 2 MiB that the VM of somebody else holds on node 0
# 301 is started by its owner, not by hostsplit and not by name in its configuration.
STRANGER = "name: database\nmemory: 256\nhugepages: 2\nnuma: 1\nnuma0: cpus=0,hostnodes=0,memory=256,policy=bind\nonboot: 1\n"
BEGIN = ("mkdir -p /run/qemu-server /run/hugepages/kvm/2048kB; [ -e /usr/bin/kvm ] || ln -s qemu-system-x86_64 /usr/bin/kvm; "
         "mountpoint -q /run/hugepages/kvm/2048kB || mount -t hugetlbfs -o pagesize=2M hugetlbfs /run/hugepages/kvm/2048kB; "
         "taskset -c 0-1 kvm -name vm301 -pidfile /var/run/qemu-server/301.pid -daemonize -S -nodefaults -display none "
         "-machine q35 -accel tcg -m 256 -object memory-backend-file,id=ram-node0,size=256M,"
         "mem-path=/run/hugepages/kvm/2048kB,share=on,prealloc=yes,host-nodes=0,policy=bind "
         "-numa node,nodeid=0,cpus=0,memdev=ram-node0")


def run(bench, check):
    product = Product(bench)
    bench.put_text(BY_HAND, f'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT {OWNER}"\n')
    bench.run("mkdir -p /etc/pve/qemu-server; update-grub", 180)
    bench.put_text("/etc/pve/qemu-server/301.conf", STRANGER)
    bench.reboot()
    line = parameters(bench)
    before = product.etc(), product.sysfs(), pools(bench), boot_files(bench)
    check("the owner's pages are there", sum(pools(bench)) == 150, pools(bench))
    stranger(bench, check, product)
    edited(bench, check, product, line)
    cycles(bench, check, product, before)
    purged(bench, check, product, before, line)


def parameters(bench):
    return [word for word in bench.get("/proc/cmdline").decode().split() if not word.startswith("BOOT_IMAGE=")]


def pools(bench):
    return tuple(int(bench.run(f"cat {POOL.format(node)}nr_hugepages").out) for node in (0, 1))


def boot_files(bench):
    """An image is built anew by undo, boots are counted, and GRUB notes what it started, so of those files only the names matter."""
    changing = ("initrd*", "hostsplit.env", "grubenv")
    names = " -o ".join(f"-name '{name}'" for name in changing)
    return bench.run(f"cd /boot; find . {names} | sort; find . -type f ! \\( {names} \\) | sort | xargs sha256sum").out


def alive(bench):
    """Pages of 2 MiB that the VM of somebody else holds."""
    return int(bench.run("awk '/huge/ { for (i = 1; i <= NF; i++) if ($i ~ /^N0=/) { split($i, n, \"=\"); s += n[2] } } END { print s + 0 }' "
                         "/proc/$(cat /run/qemu-server/301.pid)/numa_maps", check=False).out or 0)


def stranger(bench, check, product):
    bench.run(f"echo 150 >{POOL.format(0)}nr_hugepages; echo 0 >{POOL.format(1)}nr_hugepages; {BEGIN}", 120)
    check("a VM of somebody else has its pages", alive(bench) == THEIRS, alive(bench))
    product.configure(config("1GiB", "1GiB"), boot="initramfs")
    plan = product.run("plan")
    check("plan names the VM that is not configured", "301" in plan.out, plan.out)
    applied = product.run("apply --yes", 900)
    check("apply succeeds", applied.rc == 0, applied)
    wanted = 512 + THEIRS
    check("beside the pages of 301 there are those of 101", pools(bench)[0] >= wanted and alive(bench) == THEIRS,
          (pools(bench), alive(bench)))
    free = int(bench.run(f"cat {POOL.format(0)}free_hugepages").out)
    check("and they are free", free >= 512, free)
    bench.run(f"echo {THEIRS} >{POOL.format(0)}nr_hugepages")
    check("a wipe is repaired, for both", eventually(lambda: pools(bench)[0] >= wanted, 90) and alive(bench) == THEIRS,
          (pools(bench), alive(bench)))
    refused = bench.run("DEBIAN_FRONTEND=noninteractive apt-get remove -y hostsplit", 900, check=False)
    print(f"     remove while 301 runs: rc {refused.rc}, pools {pools(bench)}")
    check("301 keeps its pages when everything of ours is taken back", alive(bench) == THEIRS, alive(bench))
    if refused.rc == 0:
        bench.install()
    undone = product.run("undo --yes", 900)
    check("after undo too", alive(bench) == THEIRS and pools(bench)[0] >= THEIRS, (undone, pools(bench)))
    again = product.run("apply --yes", 900)
    check("apply once more", again.rc == 0, again)
    bench.run("kill $(cat /run/qemu-server/301.pid); rm -f /run/qemu-server/301.pid")


def edited(bench, check, product, line):
    bench.run(f"echo 'GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT owner.edit=1\"' >>{BY_HAND}; update-grub", 180)
    next_without_hostsplit(bench)
    bench.reboot()
    check("the entry without hostsplit boots what the owner wrote, edit included",
          parameters(bench) == line + ["owner.edit=1", "hostsplit=off"], (parameters(bench), line))
    check("with the owner's pages", sum(pools(bench)) == 150, pools(bench))
    check("and every driver with the host", set(product.drivers().values()) == {"xhci_hcd"}, product.drivers())
    bench.reboot()
    check("by itself the host starts with hostsplit, and with the edit", "owner.edit=1" in parameters(bench)
          and product.drivers() == SPLIT and "hostsplit=off" not in parameters(bench), parameters(bench))
    check("each node has its pages", min(pools(bench)) >= 512, pools(bench))
    product.run("undo --yes", 900)
    menu = bench.run(f"grep -m 1 '^[[:space:]]*linux' {MENU}").out
    check("undo leaves the edit", "owner.edit=1" in menu and "hostsplit" not in menu
          and re.search(r"hugepages=", menu) and menu.count("hugepages=") == 1, menu)
    bench.run(f"sed -i '/owner.edit/d' {BY_HAND}; update-grub", 180)


def cycles(bench, check, product, before):
    applied = product.run("apply --yes", 900)
    check("applied for the package", applied.rc == 0, applied)
    bench.reboot()
    state = product.etc(), product.sysfs(), pools(bench), boot_files(bench)
    bench.install()
    package = f"/root/{bench.deb.name}"
    reinstall = bench.run(f"DEBIAN_FRONTEND=noninteractive dpkg -i {package}", 600, check=False)
    check("reinstalled: nothing has changed", reinstall.rc == 0 and settled(bench, product, state), reinstall)
    upgrade = bench.run(f"rm -rf /root/newer && dpkg-deb -R {package} /root/newer && "
                        "sed -i 's/^Version: .*/&+newer/' /root/newer/DEBIAN/control && dpkg-deb -b /root/newer /root/newer.deb && "
                        "DEBIAN_FRONTEND=noninteractive dpkg -i /root/newer.deb", 900, check=False)
    check("upgraded: nothing has changed", upgrade.rc == 0 and settled(bench, product, state), upgrade)
    check("and the service of the new version runs", eventually(lambda: bench.run(
        "systemctl is-active hostsplitd", check=False).out.strip() == "active", 60))
    check("nothing is left to do", product.run("plan --check").rc == 0, product.run("plan").out)


def settled(bench, product, state):
    now = product.etc(), product.sysfs(), pools(bench), boot_files(bench)
    for was, after in zip(state, now):
        if was != after:
            print("     differs: " + str(set(str(was).split("\n")) ^ set(str(after).split("\n")))[:800])
    return now == state


def purged(bench, check, product, before, line):
    removed = bench.run("DEBIAN_FRONTEND=noninteractive apt-get remove -y hostsplit", 900, check=False)
    check("remove puts the host back first", removed.rc == 0 and "put back as it was" in removed.out + removed.err, removed)
    check("drivers and pools are as before", (product.sysfs(), sum(pools(bench))) == (before[1], 150), (product.sysfs(), pools(bench)))
    check("/boot is as before", boot_files(bench) == before[3], set(boot_files(bench).split("\n")) ^ set(before[3].split("\n")))
    gone = bench.run("DEBIAN_FRONTEND=noninteractive apt-get purge -y hostsplit", 300, check=False)
    check("purge", gone.rc == 0, gone)
    left = bench.run("find / -xdev \\( -path /proc -o -path /sys -o -path /root -o -path /var/lib/dpkg/info "
                     "-o -path /var/cache -o -path /var/log \\) -prune -o -iname '*hostsplit*' -print").out.split()
    check("after a purge nothing of hostsplit is left", not left, left)
    after = [entry for entry in product.etc() if "hostsplit" not in entry]
    changed = sorted(set(after) ^ {entry for entry in before[0] if "hostsplit" not in entry})
    check("and /etc is as before", not changed, changed)
    bench.reboot()
    check("the host boots as before", parameters(bench) == line and sum(pools(bench)) == 150
          and set(product.drivers().values()) == {"xhci_hcd"}, (parameters(bench), pools(bench)))
