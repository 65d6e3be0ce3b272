"""Counting what passed and what did not."""

import time


class Checks:
    """Callable as check(name, condition, detail): prints and remembers one verdict."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.failures = []  # their names

    def __call__(self, name, condition, detail=""):
        """Record one check; returns whether it passed. Nothing is raised."""
        if condition:
            self.passed += 1
            print(f"ok   {name}", flush=True)
        else:
            self.failed += 1
            self.failures.append(name)
            print(f"FAIL {name}: {detail}", flush=True)
        return bool(condition)

    def add(self, other):
        """Count the verdicts of `other`, too."""
        self.passed += other.passed
        self.failed += other.failed
        self.failures += other.failures

    def summary(self):
        """The last line of a run."""
        return f"{self.passed} passed, {self.failed} failed"


def eventually(condition, timeout=30, pause=0.2):
    """Wait until condition() is true, and return its value, or the last one at the timeout."""
    deadline = time.monotonic() + timeout
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(pause)
    return value
