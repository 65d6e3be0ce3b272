"""Pages that do not fit, because memory was taken out or somebody wrote a number too large: the kernel hangs without a word, its
owner presses reset, and the third boot is without hostsplit. Then the entry without hostsplit chosen by hand, and the power cut while GRUB counts."""

from bench import eventually
from bench.grub_count import (COUNT, SPLIT, counted, edit_menu, fell_back, healthy, next_without_hostsplit, split_and_healthy,
                              starts_again)
from bench.product import Product

TOPOLOGY = "article"
SUBJECTS = ("agent/core/boot/boot_count", "config/grub/", "agent/service/reconciler/boot_watch")
SECONDS = 800
MEMORY = 10


def run(bench, check):
    product = Product(bench)
    split_and_healthy(bench, check, product)
    less_memory(bench, check, product)
    far_too_large(bench, check, product)
    owner_chooses(bench, check, product)
    power_cuts(bench, check, product)


def less_memory(bench, check, product):
    death = "less memory than pages"
    bench.power_off()
    for _ in range(2):
        bench.flicker(90, "less-memory")
    bench.start("less-memory")
    fell_back(bench, check, product, death)
    refused = product.run("apply --yes", 900)
    check(f"{death}: apply is refused as long as they do not fit", refused.rc == 3, refused)
    bench.power_off()
    bench.start("article")
    check("GRUB stays with it, also with the memory", "hostsplit=off" in bench.get("/proc/cmdline").decode())
    starts_again(bench, check, product, death)


def far_too_large(bench, check, product):
    death = "parameters far too large"
    bench.run(edit_menu("hugepagesz=2M hugepages=9000"))  # of 16 GiB
    bench.power_off()  # GRUB does not replay the journal that a cut would leave
    for _ in range(2):
        bench.flicker(90)
    bench.start("article")
    fell_back(bench, check, product, death)
    starts_again(bench, check, product, death)


def owner_chooses(bench, check, product):
    """The entry without hostsplit by hand, twice: nobody has given up."""
    for number in (1, 2):
        next_without_hostsplit(bench)
        bench.reboot()
        check(f"chosen by hand, time {number}", "hostsplit=off" in bench.get("/proc/cmdline").decode())
        check(f"a healthy boot is not counted, whichever entry it was, time {number}",
              eventually(lambda: not counted(bench), 120), counted(bench))
    bench.reboot()
    check("by itself the host starts with hostsplit", product.drivers() == SPLIT, product.drivers())


def power_cuts(bench, check, product):
    """Cuts around the moment at which GRUB writes, a fraction of a second each way."""
    for tenths in range(20, 80, 10):
        bench.flicker(tenths / 10)
    bench.start("article")
    count = counted(bench)
    check("after six cuts the host comes up, and the file GRUB writes to is whole", bench.run(f"head -c 24 {COUNT}; stat -c %s {COUNT}").out
          == "# GRUB Environment Block1024\n" and count.removeprefix("hostsplit_boots=") in ("1", "2", "given-up"), count)
    if "hostsplit=off" in bench.get("/proc/cmdline").decode():
        check("apply starts again", product.run("apply --yes", 900).rc == 0 and counted(bench) == "", counted(bench))
        bench.reboot()
    check("and the split is there", product.drivers() == SPLIT and healthy(bench), product.drivers())
