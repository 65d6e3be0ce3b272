"""The power fails at ten points during apply, update-initramfs included: the host boots every time, and the next apply
finishes the work. Takes long; not part of the daily run."""

import time

from bench import eventually
from bench.article import X0
from bench.product import Product

TOPOLOGY = "article"

CONFIG = f"""
    [vm.101]
    controllers = ["{X0}"]
    [enforce]
    boot = "initramfs"
"""

# Where in apply, and how many seconds after that: files and bindings are quick, the image takes a minute.
POINTS = (("[1/", 0), ("[2/", 0), ("[3/", 0), ("[4/", 0), ("[5/", 0), ("rebuild", 1), ("rebuild", 15), ("rebuild", 40),
          ("rebuild", 70), ("done\n", 0))


def run(bench, check):
    product = Product(bench)
    bench.install()
    product.configure(CONFIG)
    bench.run("sync")
    bench.savevm("before")
    for number, (word, seconds) in enumerate(POINTS):
        bench.loadvm("before")
        cut(bench, check, product, number, word, seconds)
    last = product.run("apply --yes", 600)
    check("after the last cut the next apply finishes the work", last.rc == 0, last)
    check("and has nothing left to do", product.run("plan --check").rc == 0, product.run("plan").out)


def cut(bench, check, product, number, word, seconds):
    job = bench.spawn("hostsplit apply --yes", f"apply{number}")
    eventually(lambda: word in job.output(), 300, 0.05)
    time.sleep(seconds)
    reached = job.output().splitlines()[-1:]
    bench.power_cut()
    print(f"     cut at {reached}", flush=True)
    state = bench.run("systemctl is-system-running", check=False).out.strip()
    check(f"cut {number} ({word.strip()} + {seconds} s): the host boots", state in ("running", "degraded"), state)
    check(f"cut {number}: every controller has a driver", None not in product.drivers().values(), product.drivers())
    check(f"cut {number}: status can be asked", product.run("status").rc in (0, 3), product.run("status"))
