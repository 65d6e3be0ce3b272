"""A person's terminal on a guest: a root shell, and Ctrl-] for the hands behind the machine."""

import contextlib
import os
import select
import shlex
import sys
import termios
import tty

from .errors import BenchError, GuestCrashed

_ESCAPE = b"\x1d"  # Ctrl-]
_HELP = """\
plug CONTROLLER PORT [SERIAL]   plug a stick, e.g. plug x0 2, or plug x0 3.1 behind a hub in 3
unplug NAME                     unplug a stick by its serial, or a hub or keyboard by its id
hub CONTROLLER PORT             plug a hub
kbd CONTROLLER PORT             plug a keyboard
list                            what is plugged
reboot                          reboot in an orderly way
powercut                        pull the plug and switch on again
put FILE                        copy a local file to /root
quit                            switch off and leave
an empty line                   back to the shell in the guest"""


class Quit(Exception):
    """The person has had enough."""


def interact(guest):
    """Give the person at our terminal a shell in the guest until they quit."""
    print("root shell of the guest; Ctrl-] for plug, unplug, reboot, quit, ...\r", flush=True)
    wake(guest)
    with contextlib.suppress(Quit):
        while True:
            with raw_terminal():
                relay(guest.shell_socket())
            prompt(guest)
            wake(guest)


def relay(sock):
    """Carry bytes both ways until the escape key."""
    terminal = sys.stdin.fileno()
    while True:
        ready = select.select([terminal, sock], [], [])[0]
        if sock in ready:
            data = sock.recv(65536)
            if not data:
                raise Quit
            os.write(sys.stdout.fileno(), data)
        if terminal in ready:
            typed, escape, _ = os.read(terminal, 4096).partition(_ESCAPE)
            sock.sendall(typed)
            if escape:
                return


def prompt(guest):
    """Take one command of the bench and do it; errors are told, not raised."""
    try:
        words = shlex.split(input("\nbench> "))
        if words:
            command(guest, *words)
    except EOFError:
        raise Quit from None
    except GuestCrashed as crash:
        print(f"{crash}; try powercut")
    except (BenchError, OSError, TypeError, ValueError) as error:
        print(error)


def command(guest, verb, *words):
    """Do one command."""
    if verb not in _COMMANDS:
        print(_HELP)
        return
    said = _COMMANDS[verb](guest, *words)
    if said is not None:
        print(said)


def wake(guest):
    """Make the shell show its prompt."""
    guest.shell_socket().sendall(b"\r")


@contextlib.contextmanager
def raw_terminal():
    """Our terminal passes every key on while inside; without a terminal nothing changes."""
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setraw(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _plug(guest, controller, port, serial=None):
    serial = serial or f"{controller}-{port}".replace(".", "-").upper()
    guest.plug(controller, port, serial)
    return f"stick {serial} is in port {port} of {controller}"


def _power_cut(guest):
    return f"booted in {guest.power_cut():.0f} s"


def _reboot(guest):
    return f"rebooted in {guest.reboot():.0f} s"


def _put(guest, file):
    guest.put(file, f"/root/{os.path.basename(file)}")


def _quit(_guest):
    raise Quit


_COMMANDS = {
    "plug": _plug,
    "unplug": lambda guest, name: guest.unplug(name),
    "hub": lambda guest, controller, port: guest.plug_hub(controller, port),
    "kbd": lambda guest, controller, port: guest.plug_kbd(controller, port),
    "list": lambda guest: "\n".join(guest.plugged()) or "nothing is plugged",
    "reboot": _reboot,
    "powercut": _power_cut,
    "put": _put,
    "quit": _quit,
}
