"""The guest's serial console: what it said, and whether the emulator killed its kernel."""

import re

from .errors import GuestCrashed, GuestTimeout

# Multi-threaded TCG now and then delivers a debug exception or a breakpoint nobody asked for
# (code is patched on one processor while another runs it), or corrupts a list; none of these is
# ever the product's doing.
_CRASH = re.compile(rb"exc_debug_kernel|Oops: int3|kernel BUG at lib/list_debug\.c|"
                    # The timer is tried for a moment only; a host that is busy just then misses it.
                    rb"timer doesn't work through Interrupt-remapped IO-APIC")
# A kernel that dies with an empty list of modules has not come to the initramfs yet, and nothing
# of the product has run. (A warning prints its list of modules before the trace, a death after it.)
_EARLY_DEATH = re.compile(rb"(?:Oops|BUG|general protection fault|double fault|invalid opcode)\b"
                          rb"(?:(?!Modules linked in:)[\s\S])*?Modules linked in:[ \r]*\n")
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
        if b"Modules linked in:" in lines and (match := _EARLY_DEATH.search(self._text(self._start))):
            raise GuestCrashed("the emulator crashed the guest before the initramfs: "
                               + match[0].splitlines()[0].decode(errors="replace"))

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
