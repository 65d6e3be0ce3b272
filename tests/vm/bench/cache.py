"""The bench's own directory, and locks in it that work between processes."""

import contextlib
import fcntl
import os
import shutil
from pathlib import Path


def directory():
    """$HOSTSPLIT_CACHE, or hostsplit below the user's cache directory; made if missing."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hostsplit"
    path = Path(os.environ.get("HOSTSPLIT_CACHE") or default).absolute()
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def locked(name, waiting):
    """Hold the lock of that name; say `waiting` when another process has it."""
    with open(directory() / f"{name}.lock", "w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(waiting, flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def guest_lock():
    """Held by whoever runs guests: one, or a runner with several that fit into the memory together."""
    return locked("guest", "another guest is running here: waiting for it to end")


@contextlib.contextmanager
def guest_directory(slot=None):
    """A fresh directory for a guest; without a slot for the only one, under the lock.

    What a killed bench left behind goes away here. It is not below /tmp because that may be
    memory, and the disk of a guest is large.
    """
    with contextlib.nullcontext() if slot else guest_lock():
        path = directory() / (f"guest-{slot}" if slot else "guest")
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)
