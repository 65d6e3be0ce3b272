"""Storms and silence: 100,000 uevents at once, then five idle minutes. Takes about eight minutes; not part of CI."""

import time

from bench import eventually
from bench.article import X0, X1
from bench.product import BUS, Product, main_pid

TOPOLOGY = "article"
SUBJECTS = ("agent/service/",)
SECONDS = 400
PROVEN = False
MEMORY = 2
EVENTS = 100_000
BURST_LIMIT = 0.3  # seconds: no burst is longer than this before the service looks
IDLE = 300
BEAT = 15  # seconds: half of WatchdogSec


def run(bench, check):
    product = Product(bench)
    bench.install_beside("hostsplit-measure")
    product.configure(f'[vm.101]\ncontrollers = ["{X0}"]\n')
    check("apply", product.run("apply --yes").rc == 0)
    product.bind_by_hand(X0)
    check("a drift is repaired before the storm", repaired(product))
    # Once before, so that what is allocated once is there.
    storm(bench, 2000)
    time.sleep(2)
    the_storm(bench, check, product)
    silence(bench, check)


def repaired(product):
    return eventually(lambda: product.drivers()[X0] == "vfio-pci", 60)


def resident(bench):
    return int(bench.run(f"grep VmRSS /proc/{main_pid(bench)}/status").out.split()[1])


def looks(bench):
    return int(bench.run(f"busctl get-property {BUS} Looks").out.split()[1])


def storm(bench, count):
    """Seconds it took to send so many events."""
    devpath = bench.run(f"readlink -f /sys/bus/pci/devices/{X1}").out.strip().removeprefix("/sys")
    return int(bench.run(f"/usr/libexec/hostsplit/hostsplit-storm {count} {devpath}", 600).out) / 1000


def the_storm(bench, check, product):
    rss, before, pid = resident(bench), looks(bench), main_pid(bench)
    began = time.monotonic()
    product.bind_by_hand(X0)
    sent = storm(bench, EVENTS)
    back = repaired(product)
    took = time.monotonic() - began
    time.sleep(2)
    taken, grown = looks(bench) - before, resident(bench) - rss
    lost = bench.run("journalctl -b -u hostsplitd -o cat --no-pager | grep -c 'events were lost'", check=False).out.strip()
    windows = (took + 2) / BURST_LIMIT
    print(f"     {EVENTS} events sent in {sent:.1f} s; {taken} looks in {took:.1f} s; overruns told {lost} times; "
          f"RSS {rss} KiB, grown by {grown} KiB", flush=True)
    check("the state is right in the end: the drift in the storm is repaired", back, product.drivers())
    check("events were lost on the way", int(lost) > 0, lost)
    check("one line for each look at most tells of it", int(lost) <= taken, (lost, taken))
    check("at most one look for each window", taken <= windows, f"{taken} looks, {windows:.0f} windows")
    check("memory grows by less than 1 MiB", grown < 1024, f"{grown} KiB")
    check("it is the same process", main_pid(bench) == pid)
    bench.plug("x1", "1", "AFTER")
    check("a stick is seen as before", eventually(lambda: any("AFTER" in e["MESSAGE"] for e in product.journal(event="port")),
                                                  60))
    bench.unplug("AFTER")


def silence(bench, check):
    time.sleep(20)
    worker = bench.run("systemctl list-units --no-legend --plain 'hostsplit-work@*' | cut -d' ' -f1").out.strip()
    worker_pid = bench.run(f"systemctl show -P MainPID '{worker}'").out.strip() if worker else ""
    switches = f"awk '/voluntary_ctxt_switches/ && !/non/ {{ print $2 }}' /proc/{worker_pid}/status"
    before = bench.run(switches).out if worker_pid else ""
    waits = bench.run(f"timeout {IDLE} strace -qq -e trace=epoll_wait,epoll_pwait,epoll_pwait2 -p {main_pid(bench)} "
                      "2>&1 | grep -c epoll", IDLE + 60, check=False).out.strip()
    print(f"     idle for {IDLE} s: woken {waits} times", flush=True)
    check("an idle service is woken by the watchdog's beat only", int(waits) <= IDLE / BEAT + 2, waits)
    if worker_pid:
        check("an idle worker is not woken at all", bench.run(switches).out == before)
