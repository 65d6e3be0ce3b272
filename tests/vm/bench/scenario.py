"""What a scenario is, and one go at it.

A scenario is a file scenarios/NAME.py with run(bench, check) and, about itself:

TOPOLOGY  a name from topologies/
START     "installed" (default), "booted" or "off": what `bench` is when run() gets it
SUBJECTS  beginnings of paths: a change there is a reason to run it (rota.py)
SECONDS   how long it takes on two quiet cores when the snapshots are there
MEMORY    GiB its QEMU takes at most; two run side by side only if both fit
ALONE     True for what measures time: nothing runs beside it
DAILY     False for what rota.py leaves out
PROVEN    False until it has passed once as a whole: in the rota it fails nothing
"""

import importlib.util
import resource
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Callable

from .checks import Checks
from .errors import BenchError, GuestCrashed
from .guest import Guest

STARTS = ("installed", "booted", "off")
DIRECTORY = Path(__file__).parent.parent / "scenarios"


@dataclass(frozen=True)
class Scenario:
    """A scenario and what it says of itself."""

    name: str
    topology: str
    run: Callable
    start: str = "installed"
    subjects: tuple = ()
    seconds: int = 300
    memory: float = 4
    alone: bool = False
    daily: bool = True
    proven: bool = True


@dataclass
class Outcome:
    """How a scenario ended, and what it took."""

    name: str
    passed: int = 0
    failed: int = 0
    seconds: float = 0
    cpu: float = 0  # seconds of processor time, of all processors
    memory: float = 0  # GiB of the largest QEMU
    boots: int = 0
    restarts: int = 0  # boots repeated because the emulator crashed
    reruns: int = 0  # the scenario repeated because the emulator crashed
    failures: list = field(default_factory=list)

    def as_dict(self):
        """For JSON."""
        return asdict(self)


def names():
    """The names of all scenarios."""
    return sorted(path.stem for path in DIRECTORY.glob("*.py"))


def load(name):
    """The scenario of that name."""
    spec = importlib.util.spec_from_file_location(name, DIRECTORY / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    said = {key.lower(): value for key, value in vars(module).items()
            if key in ("START", "SUBJECTS", "SECONDS", "MEMORY", "ALONE", "DAILY", "PROVEN")}
    if said.get("start", "installed") not in STARTS:
        raise BenchError(f"{name}.py: START is one of {', '.join(STARTS)}")
    return Scenario(name, module.TOPOLOGY, module.run, **said)


def perform(scenario, deb, slot, artifacts):
    """Run a scenario in this process, twice if the emulator crashes; its Outcome."""
    outcome, began = Outcome(scenario.name), time.monotonic()
    checks, crashed = attempt(scenario, deb, slot, artifacts, outcome)
    if crashed:
        print(f"bench: running {scenario.name} again, from its start; verdicts so far do not count", flush=True)
        outcome.reruns = 1
        checks, crashed = attempt(scenario, deb, slot, artifacts, outcome)
        if crashed:
            checks("no crash of the emulator", False, "it crashed twice in this scenario")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    outcome.passed, outcome.failed, outcome.failures = checks.passed, checks.failed, checks.failures
    outcome.seconds = time.monotonic() - began
    outcome.cpu, outcome.memory = used.ru_utime + used.ru_stime, used.ru_maxrss / (1 << 20)
    return outcome


def attempt(scenario, deb, slot, artifacts, outcome):
    """One go at a scenario; (Checks, whether the emulator crashed)."""
    name = scenario.name
    print(f"---- {name} on {scenario.topology}", flush=True)
    checks, began, crashed = Checks(), time.monotonic(), False
    with Guest(deb=deb, slot=slot) as bench:
        try:
            if scenario.start != "off":
                bench.begin(scenario.topology, scenario.start)
                print(f"     {scenario.start} after {time.monotonic() - began:.0f} s", flush=True)
            scenario.run(bench, checks)
        except GuestCrashed as crash:
            crashed = True
            bench.forget_snapshots()
            print(f"bench: {crash}", flush=True)
        except BenchError as error:
            checks(f"{name} runs to its end", False, f"{where(error)}: {error}")
        except Exception:  # a mistake in a scenario must not hide the verdicts of the others
            checks(f"{name} runs to its end", False, traceback.format_exc())
        if checks.failed:
            print(f"     records: {artifacts / name}", flush=True)
            bench.save_records(artifacts / name)
        outcome.boots += bench.boots
        outcome.restarts += bench.restarts
    print(f"---- {name}: {checks.summary()} in {time.monotonic() - began:.0f} s", flush=True)
    return checks, crashed


def where(error):
    """The line of the scenario that an error came from."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__)
              if Path(frame.filename).parent == DIRECTORY]
    return f"line {frames[-1].lineno}" if frames else "before the scenario"
