"""The measures: ratios, each taken in one run on one machine."""

import json
import statistics

from bench.product import Product

TOPOLOGY = "article"
ADDRESS = "0000:01:00.0"
ROUNDS = 9


def run(bench, check):
    product = Product(bench)
    bench.install()
    bench.install_beside("hostsplit-measure")
    bench.run("modprobe vfio-pci; systemctl stop hostsplitd")
    bind(bench, check)
    bench.run("systemctl start hostsplitd")
    status(bench, check)
    memory(bench, check, product)


def limit(check, name, value, most):
    print(f"     {name}: {value:.2f}", flush=True)
    check(f"{name} is at most {most}", value <= most, f"{value:.3f}")


def bind(bench, check):
    times = json.loads(bench.run(f"/usr/libexec/hostsplit/hostsplit-measure {ADDRESS} {ROUNDS}", 300).out)
    print(f"     medians in microseconds: {times}")
    limit(check, "bind and verify against the raw writes", times["hostsplit"] / times["raw"], 1.10)
    limit(check, "bind and verify against driverctl", times["hostsplit"] / times["driverctl"], 0.25)


def status(bench, check):
    """Five starts in a row are one sample, so that the shell between them and us weighs little; the first one alone, with
    all caches gone to others, is printed too."""
    ours, theirs, first = [], [], []
    for _ in range(ROUNDS):
        theirs.append(bench.timed(five_times("lspci -nnk >/dev/null; lsusb -t >/dev/null"))[1] / 5)
        first.append(bench.timed("hostsplit status >/dev/null", check=False)[1])
        ours.append(bench.timed(five_times("hostsplit status >/dev/null"), check=False)[1] / 5)
    ours, theirs, first = (statistics.median(times) * 1000 for times in (ours, theirs, first))
    print(f"     status {ours:.0f} ms, the first one {first:.0f} ms; lspci -nnk and lsusb -t {theirs:.0f} ms")
    limit(check, "status against lspci -nnk plus lsusb -t", ours / theirs, 0.2)


def five_times(command):
    return f"for i in 1 2 3 4 5; do {command}; done"


def memory(bench, check, product):
    product.configure(f'[vm.101]\ncontrollers = ["{ADDRESS}"]\n')
    product.run("apply --yes")
    for number in range(10):
        bench.plug("x1", "1", f"S{number}")
        bench.unplug(f"S{number}")
    pid = bench.run("systemctl show -P MainPID hostsplitd").out.strip()
    rss = int(bench.run(f"grep VmRSS /proc/{pid}/status").out.split()[1])
    anonymous = bench.run(f"grep RssAnon /proc/{pid}/status").out.split()[1]
    print(f"     RSS {rss} KiB, of it {anonymous} KiB its own", flush=True)
    limit(check, "RSS of the daemon in MiB", rss / 1024, 12)
