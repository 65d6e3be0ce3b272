"""A host that systemd-boot starts under UEFI, as Proxmox VE does from ZFS: words on the kernel command line by
/etc/kernel/cmdline, script and plan in the image that lies on the partition, and an entry without all that."""

from bench.article import X2, X3
from bench.product import Product
from bench.systemd_boot import entries, on_partition, to_systemd_boot

TOPOLOGY = "article"
SUBJECTS = ("agent/core/boot/", "config/", "debian/")
SECONDS = 300
MEMORY = 6

WORDS = ("hugepagesz=1G", "hugepages=4", "iommu=pt")  # two on each of two nodes
CONFIG = f"""
[host]
keep_free = "2GiB"
iommu = "pt"
[vm.101]
node = 0
memory = "2GiB"
[vm.102]
node = 1
memory = "2GiB"
controllers = ["{X2}"]
"""
# What systemd-boot reads once and forgets (systemd.io, Boot Loader Interface): four bytes of attributes, then UTF-16, all in
# one write.
ONE_SHOT = "/sys/firmware/efi/efivars/LoaderEntryOneShot-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"


def run(bench, check):
    product = Product(bench)
    to_systemd_boot(bench)
    line = bench.get("/proc/cmdline").decode()
    check("systemd-boot starts the host", r"initrd=\EFI\proxmox" in line and bench.run("test -d /sys/firmware/efi").rc == 0, line)
    before = product.etc(), product.sysfs(), entries(bench)
    full_partition(bench, check, product, before)
    applied(bench, check, product)
    with_words(bench, check, product)
    without_hostsplit(bench, check, product)
    kernels_go(bench, check)
    undo(bench, check, product, before)


def has_words(words):
    return set(WORDS) <= set(words)


def off_entry(bench):
    return [name for name in entries(bench) if name.startswith("hostsplit-off-")]


def full_partition(bench, check, product, before):
    """One that has no room for the entry and for an image that grows: nothing is done, in particular not half of it."""
    product.configure(CONFIG, boot="initramfs")
    on_partition(bench, "dd if=/dev/zero of=filler bs=1M 2>/dev/null")
    refused = product.run("apply --yes", 900)
    check("a full partition: apply fails before its first step, and says how much is missing",
          refused.rc == 1 and "are needed" in refused.out + refused.err, refused)
    check("drivers and pools are as before", product.sysfs() == before[1], product.sysfs())
    check("and the menu", entries(bench) == before[2], entries(bench))
    on_partition(bench, "rm filler")


def applied(bench, check, product):
    product.configure(CONFIG, boot="initramfs")
    done = product.run("apply --yes", 900)
    check("apply succeeds", done.rc == 0, done)
    menu = entries(bench)
    ours, theirs = ([words for name, words in menu.items() if name.startswith(start)] for start in ("hostsplit-off-", "proxmox-6"))
    check("the entry of the kernel has the words", len(theirs) == 1 and has_words(theirs[0]), menu)
    check("beside it is one without hostsplit", len(ours) == 1 and "hostsplit=off" in ours[0] and not ours[0] & set(WORDS)
          and any(word.startswith("root=") for word in ours[0]), menu)
    check("a second apply has nothing to do", product.run("plan --check").rc == 0, product.run("plan").out)
    check("a reboot is pending", product.json("status")["pending_reboot"] is True)


def with_words(bench, check, product):
    bench.reboot()
    line = bench.get("/proc/cmdline").decode()
    check("by itself systemd-boot chooses the kernel with the words", has_words(line.split()) and "hostsplit=off" not in line, line)
    check("the pages are there per node", (product.pages(0), product.pages(1)) == (2, 2), product.sysfs())
    for address in (X2, X3):
        touched = product.kernel_log(f"xhci_hcd {address}")
        check(f"{address}: xhci_hcd never had it", not touched, touched)
    check("they are with vfio-pci", {product.drivers()[a] for a in (X2, X3)} == {"vfio-pci"}, product.drivers())
    status = product.json("status")
    check("nothing is pending", status["pending_reboot"] is False and product.run("plan --check").rc == 0, status)


def without_hostsplit(bench, check, product):
    name = off_entry(bench)[0]
    bench.run(f"{{ printf '\\007\\000\\000\\000'; printf '{name}\\0' | iconv -t UTF-16LE; }} >/root/once; cat /root/once >{ONE_SHOT}")
    bench.reboot()
    line = bench.get("/proc/cmdline").decode()
    check("the entry without hostsplit boots", "hostsplit=off" in line and not set(line.split()) & set(WORDS), line)
    check("the host has all controllers and all memory", set(product.drivers().values()) == {"xhci_hcd"}
          and (product.pages(0), product.pages(1)) == (0, 0), product.sysfs())
    bench.reboot()
    check("the next boot is with hostsplit again", "hostsplit=off" not in bench.get("/proc/cmdline").decode())


def kernels_go(bench, check):
    """A kernel of the past is gone, and another program has taken the entry away."""
    name = off_entry(bench)[0]
    on_partition(bench, f"mv loader/entries/{name} loader/entries/hostsplit-off-5.15.1-1-pve.conf")
    bench.run("/etc/kernel/postinst.d/zzz-hostsplit")
    check("the hook of kernel packages keeps one entry for each kernel", off_entry(bench) == [name], entries(bench))
    order = bench.run("run-parts --list /etc/kernel/postinst.d").out.split()
    check("and it is the last to run", order[-1] == "/etc/kernel/postinst.d/zzz-hostsplit", order)


def undo(bench, check, product, before):
    product.undo(check, before[0])
    check("drivers, overrides and pools are as before", product.sysfs() == before[1], product.sysfs())
    check("the menu is as before", entries(bench) == before[2], entries(bench))
