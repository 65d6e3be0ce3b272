"""The guest's serial console: what it said, and whether the emulator killed its kernel."""

import re

from .errors import GuestCrashed, GuestTimeout

# Multi-threaded TCG now and then delivers a debug exception nobody asked for, or corrupts a
# list; neither is ever the product's doing.
_CRASH = re.compile(rb"exc_debug_kernel|kernel BUG at lib/list_debug\.c")
# A stall alone may be a slow host; together with a silent guest it is a dead kernel.
_STALL = re.compile(rb"rcu: INFO: rcu_\w+ (self-)?detected stall")
_PANIC = re.compile(rb"Kernel panic - not syncing")
_TAIL = 40  # lines shown in an error


class Console:
    """Reads the log that QEMU appends to, from where it ends now."""

    def __init__(self, path):
        self._path = path
        self._start = path.stat().st_size if path.exists() else 0
        self._seen = self._start

    def check(self):
        """Raise GuestCrashed when the signature of an emulator crash has appeared since last time."""
        lines = self._text(self._seen).rpartition(b"\n")[0]
        self._seen += len(lines)
        if match := _CRASH.search(lines):
            raise GuestCrashed(f"the emulator crashed the guest: {match[0].decode()}")

    def silence(self, text):
        """The exception for a guest that does not answer."""
        said = self._text(self._start)
        if _STALL.search(said) and not _PANIC.search(said):
            return GuestCrashed(f"{text}, after RCU stalls")
        return GuestTimeout(f"{text}\n{self.tail()}")

    def tail(self):
        """The last lines of this boot, for an error message."""
        lines = self._text(self._start).decode(errors="replace").splitlines()[-_TAIL:]
        return "\n".join(["the console ends with:", *("  " + line for line in lines)])

    def _text(self, offset):
        if not self._path.exists():
            return b""
        with open(self._path, "rb") as log:
            log.seek(offset)
            return log.read()
