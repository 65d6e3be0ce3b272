#!/usr/bin/python3
"""Runs scenarios: tests/vm/scenarios/*.py, each in a virtual host of its own.

A scenario has TOPOLOGY (a name from topologies/) and run(bench, check). `bench` is a
bench.Guest, switched on and booted, with `bench.deb` from --deb; check(name, condition,
detail) records and prints one verdict. An exception out of run() is a failure, too.
"""

import argparse
import importlib.util
import time
import traceback
from pathlib import Path

from bench import BenchError, Checks, Guest, GuestCrashed
from bench.process import tool

HERE = Path(__file__).resolve().parent
ARTIFACTS = HERE.parent.parent / "build" / "vm-artifacts"


def main():
    options = parse_arguments()
    total, restarts, reruns, began = Checks(), 0, 0, time.monotonic()
    for name in options.names or available():
        checks, scenario_restarts, rerun = run_scenario(name, options)
        total.add(checks)
        restarts += scenario_restarts
        reruns += rerun
        if checks.failed and not options.keep_going:
            break
    print(f"{time.monotonic() - began:.0f} s; after crashes of the emulator: "
          f"{restarts} boots and {reruns} scenarios repeated")
    print(total.summary())
    return 1 if total.failed else 0


def parse_arguments():
    parser = argparse.ArgumentParser(description="Run scenarios in the VM bench.")
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help=f"scenarios (default: all): {', '.join(available())}")
    parser.add_argument("--deb", type=Path, help="the hostsplit package to test")
    parser.add_argument("--keep-going", action="store_true",
                        help="go on with the next scenario after one that failed")
    parser.add_argument("--artifacts", type=Path, default=ARTIFACTS, metavar="DIR",
                        help="where console, journal and kernel log of a failure go (%(default)s)")
    options = parser.parse_args()
    for name in options.names:
        if name not in available():
            parser.error(f"no scenario {name!r}; there are: {', '.join(available())}")
    if options.deb and not options.deb.is_file():
        parser.error(f"no such package: {options.deb}")
    return options


def available():
    """The names of all scenarios."""
    return sorted(path.stem for path in (HERE / "scenarios").glob("*.py"))


def run_scenario(name, options):
    """Run one scenario, twice if the emulator crashes; (Checks, boots repeated, 0 or 1)."""
    scenario = load(name)
    checks, restarts, crashed = attempt(name, scenario, options)
    if not crashed:
        return checks, restarts, 0
    print(f"bench: running {name} again, from its start; verdicts so far do not count", flush=True)
    checks, more, crashed = attempt(name, scenario, options)
    if crashed:
        checks("no crash of the emulator", False, "it crashed twice in this scenario")
    return checks, restarts + more, 1


def load(name):
    """The module of a scenario."""
    spec = importlib.util.spec_from_file_location(name, HERE / "scenarios" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def attempt(name, scenario, options):
    """One go at a scenario; (Checks, boots repeated, whether the emulator crashed)."""
    print(f"---- {name} on {scenario.TOPOLOGY}", flush=True)
    checks, began, crashed = Checks(), time.monotonic(), False
    with Guest(deb=options.deb) as bench:
        try:
            bench.start(scenario.TOPOLOGY)
            print(f"     booted after {time.monotonic() - began:.0f} s", flush=True)
            scenario.run(bench, checks)
        except GuestCrashed as crash:
            crashed = True
            print(f"bench: {crash}", flush=True)
        except BenchError as error:
            checks(f"{name} runs to its end", False, f"{where(error)}: {error}")
        except Exception:  # a mistake in a scenario must not hide the verdicts of the others
            checks(f"{name} runs to its end", False, traceback.format_exc())
        if checks.failed:
            print(f"     records: {options.artifacts / name}", flush=True)
            bench.save_records(options.artifacts / name)
        restarts = bench.restarts
    print(f"---- {name}: {checks.summary()} in {time.monotonic() - began:.0f} s", flush=True)
    return checks, restarts, crashed


def where(error):
    """The line of the scenario that an error came from."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__)
              if Path(frame.filename).parent.name == "scenarios"]
    return f"line {frames[-1].lineno}" if frames else "before the scenario"


if __name__ == "__main__":
    tool(main)
