"""A command that runs in the guest while other things happen there."""

import shlex
import time

from .errors import GuestTimeout

_DIRECTORY = "/run/bench"
_PAUSE = 0.3

# The wrapper outlives an INT or TERM sent to the whole unit, to note how the command took it.
# It ends well itself, so that a failing command does not leave a failed unit behind.
_WRAPPER = ('trap : HUP INT TERM; "$@"; echo $? > {base}.new; '
            'mv {base}.new {base}.rc')
# Asked in this order: a unit that has ended without leaving a code was killed, wrapper and all.
_RC = ('systemctl is-active --quiet {name}; active=$?; '
       'cat {base}.rc 2>/dev/null || [ $active = 0 ] || echo 137')


class Job:
    """Started by Guest.spawn(); a transient systemd unit of that name."""

    def __init__(self, guest, command, name):
        self._guest = guest
        self.name = name
        self._base = f"{_DIRECTORY}/{name}"
        argv = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
        guest.run(f"mkdir -p {_DIRECTORY} && rm -f {self._base}.*")
        guest.run(["systemd-run", "--quiet", "--collect", f"--unit={name}", "--property=KillMode=mixed",
                   f"--property=StandardOutput=append:{self._base}.out",
                   f"--property=StandardError=append:{self._base}.out",
                   "/bin/sh", "-c", _WRAPPER.format(base=self._base), "sh", *argv])

    def rc(self):
        """The exit code (137 after a KILL), or None while it runs."""
        text = self._guest.run(_RC.format(base=self._base, name=self.name)).out
        return int(text) if text else None

    def wait(self, timeout=120):
        """Wait for the end; the exit code."""
        deadline = time.monotonic() + timeout
        while (code := self.rc()) is None:
            if time.monotonic() > deadline:
                raise GuestTimeout(f"{self.name} still runs after {timeout} s\n{self.output()}")
            time.sleep(_PAUSE)
        return code

    def signal(self, name="TERM"):
        """Send a signal (INT for Ctrl-C) to the command."""
        self._guest.run(["systemctl", "kill", f"--signal={name}", self.name])

    def output(self):
        """Everything written so far, standard output and error together."""
        return self._guest.run(f"cat {shlex.quote(self._base)}.out", check=False).out
