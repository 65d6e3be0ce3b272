"""A virtual Proxmox-like host to prove hostsplit in.

    from bench import Guest

    with Guest() as guest:
        guest.start("article")              # a name from topologies/
        guest.plug("x0", "2", "STICK1")     # a stick into port 2 of controller x0
        guest.run("lsusb -t").out
        guest.reboot()

Guest (guest.py) is all a scenario needs: power, commands, files, plugs, snapshots. Everything
that goes wrong is a BenchError; GuestCrashed among them means that the emulator, and not the
product, brought the guest down.
"""

from .checks import Checks, eventually
from .errors import BenchError, CommandFailed, GuestCrashed, GuestTimeout
from .guest import Guest

__all__ = ["BenchError", "Checks", "CommandFailed", "Guest", "GuestCrashed", "GuestTimeout",
           "eventually"]
