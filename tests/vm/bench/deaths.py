"""Boots that die before any program of hostsplit runs, and the third that comes up without it by itself: four ways to die, the
same for each boot loader that counts. Two panic and restart, two hang until somebody presses reset."""

from . import eventually

PAGES = 3072  # of 2 MiB, of the host; both configurations below have so many
# A program that as init= panics the kernel.
PANICS = "printf '#!/bin/sh\\nexit 1\\n' >/usr/local/sbin/panics; chmod +x /usr/local/sbin/panics"


class Deaths:
    """A split whose pages and image the loader boots. What each loader does its own way is in a class of its own."""

    loader = None  # as hostsplit names it
    uefi = False

    def __init__(self, bench, check, product, count, drivers):
        self.bench, self.check, self.product = bench, check, product
        self.count = count  # the file that says how many boots have begun
        self.drivers = drivers

    # --- for each loader ---

    def edit(self, parameters):
        """Kernel parameters into the entries with hostsplit: in front, because the first count of pages wins."""
        raise NotImplementedError

    def damage_image(self):
        raise NotImplementedError

    def counts_anew(self):
        """Whether no boot is counted as begun."""
        return not counted(self.bench, self.count)

    def leave_entries_alone(self):
        """Before an entry is changed by hand."""

    # --- the split ---

    def split(self, config):
        """It is applied, booted, and found healthy."""
        self.product.configure(config, boot="initramfs")
        applied = self.product.run("apply --yes", 900)
        self.check("apply succeeds", applied.rc == 0, applied)
        self.check(f"{self.loader} can count", self.bench.run(f"stat -c %s {self.count}", check=False).out.strip() == "1024")
        found = [f["code"] for f in self.product.json("doctor")["findings"]]
        self.check("doctor has nothing to say of it", "boot-loader-cannot-count" not in found, found)
        self.bench.reboot()
        self.check("the boot is counted", self.now() == "hostsplit_boots=1", self.now())
        self.check("with everything in place", self.in_place(), self.product.sysfs())
        self.check("and forgotten when the host is healthy", self.healthy(), self.now())

    def now(self):
        return counted(self.bench, self.count)

    def in_place(self):
        now = self.product.drivers()
        return (all(now[address] == driver for address, driver in self.drivers.items()) and small_pages(self.bench) == PAGES
                and "hostsplit=off" not in self.bench.get("/proc/cmdline").decode())

    def healthy(self):
        """Whether both counts are soon set back."""
        return eventually(lambda: self.counts_anew() and "begun=0" in self.bench.run(
            "cat /var/lib/hostsplit/journal/boots", check=False).out, 120)

    # --- four deaths ---

    def damaged_image(self):
        self._restarts("a damaged image", "panic=2", self.damage_image)

    def init_that_panics(self):
        self._restarts("an init that panics", "panic=2 init=/usr/local/sbin/panics", lambda: self.bench.run(PANICS))

    def parameters_far_too_large(self):
        death = "parameters far too large"
        self.leave_entries_alone()
        self.edit("hugepagesz=2M hugepages=9000")  # of 16 GiB
        self.bench.power_off()  # GRUB does not replay the journal that a cut would leave
        self._hangs_twice("article")
        self._fell_back(death)
        self._starts_again(death)

    def less_memory(self):
        death = "less memory than pages"
        self.bench.power_off()
        self._hangs_twice("less-memory")
        self._fell_back(death)
        refused = self.product.run("apply --yes", 900)
        self.check(f"{death}: apply is refused as long as they do not fit", refused.rc == 3, refused)
        self.bench.power_off()
        self.bench.start("article", uefi=self.uefi)
        self.check(f"{self.loader} stays with it, also with the memory", "hostsplit=off" in self.bench.get("/proc/cmdline").decode())
        self._starts_again(death)

    def _restarts(self, death, parameters, cause):
        self.leave_entries_alone()
        self.edit(parameters)
        cause()
        print(f"     {death}: up after {self.bench.reboot():.0f} s", flush=True)
        self._fell_back(death)
        self._starts_again(death)

    def _hangs_twice(self, topology):
        for _ in range(2):
            self.bench.flicker(90, topology)
        self.bench.start(topology, uefi=self.uefi)

    def _fell_back(self, death):
        """The boot that is running is one without hostsplit, and the owner is told."""
        line = self.bench.get("/proc/cmdline").decode()
        self.check(f"{death}: the third boot comes up without hostsplit", "hostsplit=off" in line and "hugepages=" not in line, line)
        self.check(f"{death}: the host has every controller and all memory", set(self.product.drivers().values()) == {"xhci_hcd"}
                   and small_pages(self.bench) == 0, f"{small_pages(self.bench)} {self.product.sysfs()}")
        status = self.product.run("status")
        self.check(f"{death}: status says so, exit 3",
                   status.rc == 3 and f"{self.loader} starts the host without hostsplit" in status.out, status)
        self.check(f"{death}: {self.loader} has given up", self.now() == "hostsplit_boots=given-up", self.now())

    def _starts_again(self, death):
        """apply, and the next boot is with hostsplit."""
        applied = self.product.run("apply --yes", 900)
        self.check(f"{death}: apply works again", applied.rc == 0, applied)
        self.check(f"{death}: the count begins anew", self.counts_anew(), self.now())
        self.bench.reboot()
        self.check(f"{death}: everything is as before", self.in_place(), self.product.sysfs())
        self.check(f"{death}: and the host is healthy", self.healthy(), self.now())


def small_pages(bench):
    """Pages of 2 MiB of the host."""
    return int(bench.run("cat /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages").out)


def counted(bench, count):
    """The line about boots that were begun; empty when there is none."""
    return bench.run(f"grep -a ^hostsplit_boots {count}", check=False).out.strip()
