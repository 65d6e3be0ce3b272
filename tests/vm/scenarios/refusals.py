"""What hostsplit must not do: every refusal on the machine that has its cause. Exit 3, and nothing half-done."""

from bench import eventually
from bench.article import X0, X2, X3
from bench.product import CONFIG, PORTS, Product

TOPOLOGY = "article"
SUBJECTS = ("agent/core/checks/", "agent/core/usb/", "agent/cli/", "agent/formats/")
SECONDS = 260
MEMORY = 2


def run(bench, check):
    product = Product(bench)
    article(bench, check, product)
    bad_input(bench, check, product)
    for name, steps in (("shared-disk", shared_disk), ("shared-nic", shared_nic), ("single-xhci", single), ("ehci", ehci)):
        bench.run(f"rm -f {CONFIG}; sync")
        bench.power_cut(name=name)
        print(f"     now on {name}", flush=True)
        steps(bench, check, product)


def refused(check, product, why, code, config, said=()):
    """apply with this configuration must exit 3 with that finding and leave the machine as it is."""
    before = product.sysfs()
    product.configure(config)
    result = product.run("apply --yes")
    codes = [f["code"] for f in product.json("plan")["findings"] if f["severity"] == "error"]
    words = [word for word in said if word not in result.out]
    check(f"{why}: refused with {code}, exit 3", result.rc == 3 and code in codes and not words,
          f"rc {result.rc}, {codes}, missing {words}\n{result.out}{result.err}")
    check(f"{why}: nothing half-done", product.sysfs() == before and
          product.bench.run("ls /etc/hostsplit/boot/plan", check=False).rc != 0, product.sysfs())


def vm(number, address, more=""):
    return f'[vm.{number}]\ncontrollers = ["{address}"]\n{more}\n'


def article(bench, check, product):
    refused(check, product, "one group, two VMs", "group-two-vms", vm(101, X2) + vm(102, X3), ["VM 101", "VM 102"])
    refused(check, product, "one group, VM and host", "group-host", f'[host]\nkeep = ["{X3}"]\n' + vm(101, X2))
    refused(check, product, "unknown label", "port-unknown", '[vm.101]\nports = ["nowhere"]\n', ["nowhere", "learn"])
    refused(check, product, "unknown address", "address-unknown", vm(101, "0000:7f:00.0"))
    refused(check, product, "not a controller", "not-a-controller", vm(101, "0000:00:1f.2"))
    refused(check, product, "pages beyond the floor", "pages-over-floor",
            '[host]\nkeep_free = "2GiB"\n[vm.101]\nnode = 0\nmemory = "7GiB"\n', ["At most 5 pages"])

    bench.plug("x0", "2", "MOUNTED")
    disk = bench.disk_of("MOUNTED")
    bench.run(f"mkfs.ext4 -q {disk} && mkdir -p /mnt/stick && mount {disk} /mnt/stick")
    refused(check, product, "mounted USB disk", "group-lifeline", vm(101, X0), ["/mnt/stick", "Unmount"])
    bench.run("umount /mnt/stick")
    check("unmounted, the same plan is fine", product.run("plan").rc == 0, product.run("plan").out)
    bench.unplug("MOUNTED")

    bench.run("modprobe vfio-pci; d=/sys/bus/pci/devices/%s; echo vfio-pci > $d/driver_override; "
              "echo %s > $d/driver/unbind; echo %s > /sys/bus/pci/drivers_probe" % (X2, X2, X2))
    contradiction(bench, check, product)


def contradiction(bench, check, product):
    job = bench.spawn("hostsplit learn --labels front-1 --timeout 120", "learn")
    eventually(lambda: "Plug a USB stick" in job.output(), 60)
    bench.plug("x0", "1", "S1")
    check("front-1 is learned", job.wait(60) == 0, job.output())
    bench.unplug("S1")
    good = bench.get(PORTS).decode()
    bench.put_text(PORTS, good.replace('"1b36:000d"', '"1022:149c"'))
    refused(check, product, "port map contradicts the machine", "port-map-contradiction", '[vm.101]\nports = ["front-1"]\n')
    bench.put_text(PORTS, good)


def bad_input(bench, check, product):
    good = bench.get(PORTS).decode()
    product.configure(vm(101, X0))
    check("a good configuration applies", product.run("apply --yes").rc == 0)
    before = product.sysfs()
    for why, text, said in (
            ("unknown key", '[vm.101]\ncontrolers = ["0000:01:00.0"]\n', ["hostsplit.toml:3", "controlers", "controllers"]),
            ("wrong type", '[vm.101]\nnode = "zero"\n', ["hostsplit.toml:3", "node"]),
            ("bad unit", '[vm.101]\nnode = 0\nmemory = "56GB"\n', ["hostsplit.toml:4", "memory", "GiB"]),
            ("overlapping CPUs", '[vm.101]\ncpus = "0-1"\n[vm.102]\ncpus = "1-2"\n', ["hostsplit.toml:5", "cpus", "101"]),
            ("node that does not exist", '[vm.101]\nnode = 7\nmemory = "1GiB"\n', ["hostsplit.toml:3", "node", "0, 1"]),
            ("duplicate VM", "[vm.101]\nnode = 0\n[vm.101]\nnode = 1\n", ["hostsplit.toml:4"])):
        product.configure(text)
        result = product.run("apply --yes")
        missing = [word for word in said if word not in result.err]
        check(f"{why}: exit 2, names file, line and key", result.rc == 2 and not missing and result.err.count("\n") == 1,
              f"missing {missing}: {result}")
    check("nothing has changed", product.sysfs() == before)
    bench.run("systemctl reload hostsplitd")
    state = bench.run("systemctl is-active hostsplitd", check=False).out.strip()
    bench.run("d=/sys/bus/pci/devices/%s; echo > $d/driver_override; echo %s > $d/driver/unbind; "
              "echo %s > /sys/bus/pci/drivers_probe" % (X0, X0, X0))
    kept = eventually(lambda: product.drivers()[X0] == "vfio-pci", 60)
    check("the running service keeps true what was applied, on its last good configuration", state == "active" and kept,
          (state, product.drivers()))

    product.configure(vm(101, X0))
    bench.put_text(PORTS, good + "\nthis is = not [ toml\n")
    line = str(good.count("\n") + 2)
    result = product.run("learn --labels other --timeout 1")
    check("a damaged ports.toml: exit 2, and the error says where", result.rc == 2 and f"ports.toml:{line}" in result.err, result)
    check("it is not overwritten", "not [ toml" in bench.get(PORTS).decode())
    fresh = bench.spawn("hostsplit learn --fresh --labels other --timeout 120", "fresh")
    eventually(lambda: "Plug a USB stick" in fresh.output(), 60)
    bench.plug("x1", "1", "S2")
    fresh.wait(60)
    kept = bench.run("cat /var/lib/hostsplit/ports.toml.damaged-1", check=False).out
    check("learn --fresh keeps the damaged file aside", "not [ toml" in kept and 'label = "other"' in bench.get(PORTS).decode(),
          fresh.output())
    bench.unplug("S2")

    product.configure("")
    before = product.sysfs()
    user = bench.run("su -s /bin/sh nobody -c 'hostsplit apply --yes'", check=False)
    check("not root: the service refuses what polkit does not allow, by name", user.rc == 2 and "org.hostsplit.apply" in user.err
          and "as root" in user.err, user)
    bench.run("systemctl stop hostsplitd")
    user = bench.run("su -s /bin/sh nobody -c 'hostsplit apply --yes'", check=False)
    check("not root, without the service: the verb that needs it is named", user.rc == 2 and "hostsplit apply" in user.err
          and "root" in user.err, user)
    bench.run("systemctl start hostsplitd")
    check("nothing has changed", product.sysfs() == before)
    product.configure(vm(101, X0))
    look = bench.run("su -s /bin/sh nobody -c 'hostsplit status'", check=False)
    check("but anybody may look", look.rc in (0, 3) and X0 in look.out, look)
    check("undo", product.run("undo --yes").rc == 0)


def shared_disk(bench, check, product):
    controllers = sorted(product.controllers())
    shared, alone = controllers
    refused(check, product, "root disk in the group", "group-lifeline", vm(101, shared), ["/ is mounted"])
    forced = vm(101, shared, f'functions = ["{shared[:-1]}0"]')
    refused(check, product, "root disk in the group, even by explicit wish", "group-lifeline", forced, ["/ is mounted"])
    product.configure(vm(101, alone))
    check("the controller of its own group is free to go", product.run("apply --yes").rc == 0)
    check("undo", product.run("undo --yes").rc == 0)


def shared_nic(bench, check, product):
    shared = sorted(product.controllers())[0]
    refused(check, product, "NIC with the default route in the group", "group-lifeline", vm(101, shared), ["network"])
    forced = vm(101, shared, f'functions = ["{shared[:-1]}0"]')
    refused(check, product, "that NIC, even by explicit wish", "group-lifeline", forced, ["network"])


def single(bench, check, product):
    only = next(iter(product.controllers()))
    refused(check, product, "the last keyboard and the last controller", "last-usb", vm(101, only))


def ehci(bench, check, product):
    product.configure(vm(101, "0000:00:1d.7"))
    steps = [s["id"] for s in product.json("plan")["steps"] if s["id"].startswith("bind")]
    check("EHCI takes its UHCI companions along", steps == [f"bind 0000:00:1d.{f}" for f in (0, 1, 2, 7)], steps)
    applied = product.run("apply --yes")
    drivers = product.drivers()
    behind = [a for a in drivers if not a.startswith("0000:00:1d")]
    check("all four move, the xHCI behind the bridge stays", applied.rc == 0
          and all(drivers[f"0000:00:1d.{f}"] == "vfio-pci" for f in (0, 1, 2, 7)) and drivers[behind[0]] == "xhci_hcd",
          (applied, drivers))
    check("undo gives each its own driver back", product.run("undo --yes").rc == 0
          and product.drivers()["0000:00:1d.7"] == "ehci-pci" and product.drivers()["0000:00:1d.0"] == "uhci_hcd",
          product.drivers())
    product.configure(vm(101, behind[0]))
    check("a bridge in the group is no obstacle and stays", product.run("apply --yes").rc == 0
          and product.drivers()[behind[0]] == "vfio-pci", product.drivers())
