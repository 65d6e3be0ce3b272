#!/usr/bin/python3
"""Runs scenarios: tests/vm/scenarios/*.py, each in a virtual host of its own; bench/scenario.py says what one is.

`bench` is a bench.Guest, as START says; check(name, condition, detail) records and prints one
verdict. An exception out of run() is a failure, too.
"""

import argparse
import time
from pathlib import Path

from bench import cache, image, runner, scenario
from bench.process import tool

HERE = Path(__file__).resolve().parent
ARTIFACTS = HERE.parent.parent / "build" / "vm-artifacts"


def main():
    options = parse_arguments()
    if options.slot:
        outcome = scenario.perform(scenario.load(options.names[0]), options.deb, options.slot, options.artifacts)
        runner.tell(outcome)
        return 1 if outcome.failed else 0
    return run([scenario.load(name) for name in options.names or scenario.names()], options)


def parse_arguments():
    parser = argparse.ArgumentParser(description="Run scenarios in the VM bench.")
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help=f"scenarios (default: all): {', '.join(scenario.names())}")
    add_options(parser)
    parser.add_argument("--slot", help=argparse.SUPPRESS)  # a runner's own, see bench/runner.py
    options = parser.parse_args()
    for name in options.names:
        if name not in scenario.names():
            parser.error(f"no scenario {name!r}; there are: {', '.join(scenario.names())}")
    if options.deb and not options.deb.is_file():
        parser.error(f"no such package: {options.deb}")
    return options


def add_options(parser):
    """Options of everything that runs scenarios."""
    parser.add_argument("--deb", type=Path, help="the hostsplit package to test")
    parser.add_argument("--keep-going", action="store_true",
                        help="go on with the next scenario after one that failed")
    parser.add_argument("--jobs", type=int, default=1, metavar="N",
                        help="run so many side by side where the memory allows it (%(default)s)")
    parser.add_argument("--artifacts", type=Path, default=ARTIFACTS, metavar="DIR",
                        help="where console, journal and kernel log of a failure go (%(default)s)")


def run(scenarios, options, budget=None):
    """Run these scenarios, none that would end later than `budget` seconds from now; the exit code."""
    began = time.monotonic()
    arguments = ["--artifacts", options.artifacts, *(["--deb", options.deb] if options.deb else [])]
    with cache.guest_lock():
        image.ensure()
        runs = runner.Runner(options.jobs, arguments, options.keep_going, budget)
        # The long ones first, so that none of them is left for the end with nothing beside it; with a budget the order is
        # the caller's.
        runs.run(sorted(scenarios, key=lambda one: -one.seconds) if options.jobs > 1 and budget is None else scenarios)
    print("\n" + "\n".join(runner.table(runs.outcomes)))
    for left in runs.left:
        print(f"{left.name:13} not run")
    failed = sum(outcome.failed for outcome in runs.outcomes)
    print(f"{sum(outcome.passed for outcome in runs.outcomes)} passed, {failed} failed in {time.monotonic() - began:.0f} s")
    if budget is None:
        return 1 if failed else 0
    return 1 if fail_again(scenarios, runs, options, arguments, budget - (time.monotonic() - began)) else 0


def fail_again(scenarios, runs, options, arguments, budget):
    """In a rota a failure decides when the scenario has passed before and now fails twice; whether one does."""
    failed = {outcome.name for outcome in runs.outcomes if outcome.failed}
    for one in scenarios:
        if one.name in failed and not one.proven:
            print(f"{one.name} has not passed as a whole yet (PROVEN): it decides nothing")
    again = [one for one in scenarios if one.name in failed and one.proven]
    if not again:
        return False
    print(f"once more, to be sure: {' '.join(one.name for one in again)}", flush=True)
    second = runner.Runner(options.jobs, arguments, True, budget)
    with cache.guest_lock():
        second.run(again)
    print("\n".join(runner.table(second.outcomes)))
    for left in second.left:
        print(f"{left.name} failed once, and there is no time to run it again: it decides nothing")
    return any(outcome.failed for outcome in second.outcomes)


if __name__ == "__main__":
    tool(main)
