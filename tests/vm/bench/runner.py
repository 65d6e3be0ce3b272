"""Runs several scenarios, each in a process of its own; side by side where that is asked for and fits."""

import ctypes
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from .scenario import Outcome

_RUN = Path(__file__).parent.parent / "run.py"
_OUTCOME = "outcome: "
_SPARE = 3  # GiB that stay free for everything that is no guest
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


class Runner:
    """Starts scenarios in the order given, at most `jobs` at a time, and prints what they say."""

    def __init__(self, jobs, arguments, keep_going=False, budget=None):
        self._jobs = jobs
        self._arguments = arguments
        self._keep_going = keep_going
        self._ends = None if budget is None else time.monotonic() + budget
        self._memory = available() - _SPARE
        self._running = {}  # slot: Scenario
        self._said = queue.Queue()
        self._expected = {}  # seconds by name, of those that were started
        self.outcomes = []
        self.left = []  # scenarios that were not started

    def run(self, scenarios):
        """Run them; `outcomes` has what became of those that were started."""
        waiting = list(scenarios)
        while waiting or self._running:
            for scenario in list(waiting):
                if self._late(scenario):
                    waiting.remove(scenario)
                    self.left.append(scenario)
                elif self._fits(scenario):
                    waiting.remove(scenario)
                    self._start(scenario)
            if self._running:
                self._listen()
            if not self._keep_going and any(outcome.failed for outcome in self.outcomes):
                self.left += waiting
                waiting = []

    def _late(self, scenario):
        return self._ends is not None and time.monotonic() + scenario.seconds * self._slowness() > self._ends

    def _slowness(self):
        """How much longer than expected scenarios have taken so far; 1 or more."""
        expected = sum(self._expected[outcome.name] for outcome in self.outcomes)
        return max(1, sum(outcome.seconds for outcome in self.outcomes) / expected) if expected else 1

    def _fits(self, scenario):
        others = self._running.values()
        if not others:
            return True
        return (len(others) < self._jobs and not scenario.alone and not any(other.alone for other in others)
                and sum(other.memory for other in others) + scenario.memory <= self._memory)

    def _start(self, scenario):
        slot = next(str(number) for number in range(1, 1 + self._jobs) if str(number) not in self._running)
        process = subprocess.Popen([sys.executable, "-u", _RUN, "--slot", slot, *self._arguments, scenario.name],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True, errors="replace", preexec_fn=_end_with_parent)
        self._running[slot] = scenario
        self._expected[scenario.name] = scenario.seconds
        threading.Thread(target=self._relay, args=(slot, process), daemon=True).start()

    def _relay(self, slot, process):
        for line in process.stdout:
            self._said.put((slot, line.rstrip("\n")))
        self._said.put((slot, process.wait()))

    def _listen(self):
        """Take one line, or the end of a scenario."""
        slot, said = self._said.get()
        scenario = self._running[slot]
        if isinstance(said, int):
            del self._running[slot]
            if not any(outcome.name == scenario.name for outcome in self.outcomes):
                self.outcomes.append(Outcome(scenario.name, failed=1, failures=[f"it ended with {said} and no verdict"]))
        elif said.startswith(_OUTCOME):
            self.outcomes.append(Outcome(**json.loads(said.removeprefix(_OUTCOME))))
        else:
            print(f"{scenario.name + ':':13} {said}" if self._jobs > 1 else said, flush=True)


def tell(outcome):
    """For the runner, from the process of a scenario."""
    print(_OUTCOME + json.dumps(outcome.as_dict()), flush=True)


def table(outcomes):
    """The lines of a table of what was run."""
    lines = [f"{'scenario':13} passed failed seconds  cpu s   GiB boots repeated"]
    for one in outcomes:
        repeated = f"{one.restarts} boots, {one.reruns} runs" if one.restarts or one.reruns else "-"
        lines.append(f"{one.name:13} {one.passed:6} {one.failed:6} {one.seconds:7.0f} {one.cpu:6.0f} {one.memory:5.1f} "
                     f"{one.boots:5} {repeated}")
        lines += [f"    FAIL {text}" for text in one.failures]
    return lines


def available():
    """GiB of memory that programs can still take."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) / (1 << 20)
    raise OSError("/proc/meminfo has no MemAvailable")


def _end_with_parent():
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == 1:
        os._exit(1)
