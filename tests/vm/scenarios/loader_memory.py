"""Pages that do not fit, because memory was taken out or somebody wrote a number too large: the kernel hangs without a word, its
owner presses reset, and the third boot is without hostsplit. Then the entry without hostsplit chosen by hand, and the power cut while GRUB counts."""

from bench import eventually
from bench.grub_count import CONFIG, COUNT, SPLIT, GrubDeaths, next_without_hostsplit
from bench.product import Product

TOPOLOGY = "article"
SUBJECTS = ("agent/core/boot/boot_count", "config/grub/", "agent/service/reconciler/boot_watch")
SECONDS = 800
MEMORY = 10


def run(bench, check):
    product = Product(bench)
    deaths = GrubDeaths(bench, check, product)
    deaths.split(CONFIG)
    deaths.less_memory()
    deaths.parameters_far_too_large()
    owner_chooses(bench, check, product, deaths)
    power_cuts(bench, check, product, deaths)


def owner_chooses(bench, check, product, deaths):
    """The entry without hostsplit by hand, twice: nobody has given up."""
    for number in (1, 2):
        next_without_hostsplit(bench)
        bench.reboot()
        check(f"chosen by hand, time {number}", "hostsplit=off" in bench.get("/proc/cmdline").decode())
        check(f"a healthy boot is not counted, whichever entry it was, time {number}",
              eventually(deaths.counts_anew, 120), deaths.now())
    bench.reboot()
    check("by itself the host starts with hostsplit", product.drivers() == SPLIT, product.drivers())


def power_cuts(bench, check, product, deaths):
    """Cuts around the moment at which GRUB writes, a fraction of a second each way."""
    for tenths in range(20, 80, 10):
        bench.flicker(tenths / 10)
    bench.start("article")
    count = deaths.now()
    check("after six cuts the host comes up, and the file GRUB writes to is whole", bench.run(f"head -c 24 {COUNT}; stat -c %s {COUNT}").out
          == "# GRUB Environment Block1024\n" and count.removeprefix("hostsplit_boots=") in ("1", "2", "given-up"), count)
    if "hostsplit=off" in bench.get("/proc/cmdline").decode():
        check("apply starts again", product.run("apply --yes", 900).rc == 0 and deaths.counts_anew(), deaths.now())
        bench.reboot()
    check("and the split is there", product.drivers() == SPLIT and deaths.healthy(), product.drivers())
