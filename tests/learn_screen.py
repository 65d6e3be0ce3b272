#!/usr/bin/env python3
"""The screen of `hostsplit learn` on a real terminal and a fake host: learn_screen.py PROGRAM

What is typed goes through a pseudo-terminal; what the program draws is put together by a small terminal of its own.
Prints one line a check; exit 1 when one failed."""
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import tempfile
import termios
import time

from vt100 import Screen

X0, X1, X2 = "0000:03:00.3", "0000:22:00.3", "0000:44:00.1"
LIMIT = 30  # seconds; the machine may be busy
UNREAD = 0.5  # for so long a question takes no answer


class Program:
    """hostsplit-fake-learn on a terminal of its own."""

    def __init__(self, binary, *words, width=80, height=24, term="vt100", locale=None):
        self.directory = tempfile.mkdtemp(prefix="hostsplit-learn-")
        os.mkfifo(self.directory + "/commands")
        self.screen = Screen(width, height)
        self.raw = b""
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            environment = {k: v for k, v in os.environ.items() if not k.startswith("LC_") and k not in ("LANG", "LINES", "COLUMNS")}
            time.sleep(0.2)  # the size is set meanwhile
            os.execve(binary, [binary, self.directory, *words], {**environment, "TERM": term, **({"LC_ALL": locale} if locale else {})})
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self.before = termios.tcgetattr(self.terminal)
        self.commands = os.open(self.directory + "/commands", os.O_RDWR)

    def read(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.terminal], [], [], left)[0]:
                return
            try:
                data = os.read(self.terminal, 65536)
            except OSError:  # the other side is closed
                return
            self.raw += data
            self.screen.feed(data)

    def wait(self, words, limit=LIMIT):
        end = time.monotonic() + limit
        while words not in self.screen.text():
            if time.monotonic() > end:
                return False
            self.read(0.05)
        return True

    def gone(self, words, limit=LIMIT):
        end = time.monotonic() + limit
        while words in self.screen.text():
            if time.monotonic() > end:
                return False
            self.read(0.05)
        return True

    def type(self, text, wait=UNREAD):
        self.read(wait)
        os.write(self.terminal, text.encode())

    def happen(self, command):
        os.write(self.commands, (command + "\n").encode())

    def end(self):
        """Its exit code, and what it left."""
        deadline = time.monotonic() + LIMIT
        while time.monotonic() < deadline:
            self.read(0.1)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                left = self.directory + "/end"
                return os.waitstatus_to_exitcode(status), open(left, encoding="utf-8").read() if os.path.exists(left) else ""
        os.kill(self.pid, signal.SIGKILL)
        return None, ""


failed = 0


def check(what, fine, program):
    global failed
    print(("ok      " if fine else "FAILED  ") + what, flush=True)
    if not fine:
        failed += 1
        print(program.screen.text(), flush=True)


def names(binary):
    program = Program(binary)
    check("it asks to plug", program.wait("Plug a USB stick"), program)
    program.type("early\r", 0)
    check("what is typed before a question is not taken", program.wait("Typed while no socket waits"), program)
    program.happen(f"plug {X0} 2 480 S1")
    check("a socket lights up", program.wait("New socket: USB2 port 2 of 0000:03:00.3"), program)
    check("with a proposal", program.wait("socket-1"), program)
    program.type("zu frueh\r", 0)
    program.read(1)
    check("typing that goes on when the question opens is no answer", "Learned" not in program.screen.text(), program)
    program.type("front-1\r", 1.2)
    check("it takes the name", program.wait("Learned: front-1"), program)
    check("and says what is not proven", program.wait("front-1: now USB3"), program)

    program.happen(f"plug {X0} 1 5000 S2")
    program.wait("New socket: USB3 port 1")
    program.happen(f"plug {X2} 1 480 S3")
    check("a second stick waits", program.wait("1 waiting"), program)
    program.type("前面板1号口\r")
    check("a Chinese name is taken", program.wait("Learned: 前面板1号口"), program)
    check("the second stick is asked for, and the next name proposed",
          program.wait("New socket: USB2 port 1 of 0000:44:00.1") and program.wait("Name: 前面板2号口"), program)
    program.type("\r")
    check("Enter takes the proposal", program.wait("Learned: 前面板2号口"), program)
    program.type("\x1a")
    check("undo", program.wait("Undone: 前面板2号口 is forgotten"), program)
    check("and the same socket is asked for again", program.wait("New socket: USB2 port 1 of 0000:44:00.1"), program)
    program.type("左边口\r")
    check("a better name", program.wait("Learned: 左边口"), program)
    program.happen(f"keyboard {X1} 2")
    check("a keyboard is left alone", program.wait("Left alone: USB2 port 2 of 0000:22:00.3"), program)
    program.type("\x0c")
    program.read(0.5)
    check("Ctrl-L draws the same", program.wait("左边口") and program.wait("前面板1号口"), program)
    print(program.screen.text())
    program.happen(f"plug {X1} 2 5000 S9")
    program.wait("New socket: USB3 port 2 of 0000:22:00.3")
    program.type("\x03")
    code, left = program.end()
    check("Ctrl-C ends it well in the middle of a question", code == 0 and "end interrupted" in left, program)
    check("what was learned stays", all(f"port {label}\n" in left for label in ("front-1", "前面板1号口", "左边口"))
          and left.count("port ") == 3, program)
    check("the terminal is as it was", termios.tcgetattr(program.terminal) == program.before, program)


def lend(binary):
    program = Program(binary, "lend", width=132, height=40)
    check("hidden controllers are offered", program.wait("Lend to the host while you learn"), program)
    program.type("\r")
    check("and lent", program.wait("Their sockets can be learned now"), program)
    program.happen(f"plug {X0} 2 480 S1")
    check("their sockets can be learned", program.wait("New socket: USB2 port 2 of 0000:03:00.3"), program)
    program.type("\r")
    check("with a name", program.wait("Learned: socket-1"), program)
    program.type("\x04")
    code, left = program.end()
    check("Ctrl-D ends it", code == 0 and "end done" in left and "port socket-1" in left, program)
    check("the controllers are back", left.count("vfio-pci") == 3, program)


def terminal(binary):
    program = Program(binary, term="xterm")
    program.read(1)
    check("it has a screen of its own", b"\x1b[?1049h" in program.raw, program)
    os.kill(program.pid, signal.SIGTERM)
    code, left = program.end()
    check("and leaves it when it is ended", code == 0 and b"\x1b[?1049l" in program.raw, program)


def small(binary):
    program = Program(binary, width=40, height=10)
    program.read(1)
    program.happen(f"plug {X0} 2 480 S1")
    check("a tiny terminal shows the question", program.wait("New socket") and program.wait("Name:"), program)
    program.type("a\r")
    program.read(1)
    program.type("\x04")
    code, left = program.end()
    check("and takes the answer", code == 0 and "port a\n" in left, program)


if __name__ == "__main__":
    for part in (names, lend, terminal, small):
        part(sys.argv[1])
    sys.exit(1 if failed else 0)
