#!/usr/bin/env python3
"""Types command lines into bash, zsh and fish and presses Tab: completions.py --bin HOSTSPLIT --machine
HOSTSPLIT-MACHINE --completions DIR

In bash and zsh the line is then run with a stand-in for hostsplit that writes its arguments down, so that quoting counts;
fish is asked for its candidates. A shell that is not installed is left out, which is printed. Exit 1 when a line differs.
"""
import argparse
import os
import pathlib
import pty
import shutil
import subprocess
import sys
import tempfile
import time

LABEL = "前面板 1号口"
# What is typed before Tab, and the arguments it must become.
TYPED = [
    ("stat", ["status"]),
    ("do", ["doctor"]),  # the daemon is run by its unit
    ("plan --che", ["plan", "--check"]),
    ("ports ren", ["ports", "rename"]),
    ("help und", ["help", "undo"]),
    ("{root} release fr", ["release", "front-1"]),
    ("{root} release 0000:22", ["release", "0000:22:00.3"]),
    ("{root} take 前", ["take", LABEL]),
    ("{root} take 'front-1' 0000:0", ["take", "front-1", "0000:03:00.3"]),
    ("{root} ports forget 前", ["ports", "forget", LABEL]),
    ("{root} verify --plug fr", ["verify", "--plug", "front-1"]),
    ("{root} setup --vm 101=de", ["setup", "--vm", "101=desk-1"]),
    ("{root} setup --vm=101=desk-1,fr", ["setup", "--vm=101=desk-1,front-1"]),
    ("daemon --log-level inf", ["daemon", "--log-level", "info"]),
]
# What is typed, candidates that must be there, candidates that must not.
OFFERED = [
    ("", {"status", "apply", "help", "version"}, {"daemon", "work", "boot", "hookscript", "complete"}),
    ("plan --", {"--json", "--check", "--verbose", "--root", "--help"}, {"--watch"}),
    ("{root} verify ", {"101", "102"}, {"front-1"}),
    ("{root} verify --plug ", {"front-1", LABEL}, {"101"}),
    ("{root} setup --vm ", {"101", "102"}, {"front-1"}),
    ("{root} release ", {"front-1", LABEL, "0000:03:00.3", "0000:44:00.1"}, {"101"}),
    ("{root} ports rename front-1 ", set(), {"front-1", LABEL}),  # a new name is nobody's yet
    ("--root /nowhere release ", set(), {"front-1"}),
]


class Shell:
    """An interactive shell on a terminal of its own."""

    def __init__(self, command, setup, environment, written):
        self.written = written
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.execvpe(command[0], command, environment)
        self.send(setup + "\n")
        self.run("")  # it is ready when this was carried out

    def send(self, text):
        os.write(self.terminal, text.encode())

    def drain(self):
        os.set_blocking(self.terminal, False)
        try:
            while os.read(self.terminal, 65536):
                pass
        except OSError:
            pass
        os.set_blocking(self.terminal, True)

    def run(self, line):
        """Types the line, Tab and Enter; returns what the stand-in was given, None if it was not run within a minute."""
        self.written.unlink(missing_ok=True)
        self.send("\x15hostsplit " + line + ("\t" if line else ""))
        time.sleep(0.3)
        self.send("\n")
        for _ in range(600):
            self.drain()
            if self.written.exists() and self.written.read_text().endswith("\n"):
                return self.written.read_text().split("\0")[:-1]
            time.sleep(0.1)
        return None

    def close(self):
        self.send("\x15exit\n")
        os.close(self.terminal)
        os.waitpid(self.child, 0)


def typed_lines(name, command, setup, environment, written, root):
    shell = Shell(command, setup, environment, written)
    for line, arguments in TYPED:
        given = shell.run(line.format(root=f"--root {root}"))
        wanted = (["--root", str(root)] if "{root}" in line else []) + arguments
        yield given == wanted, f"{name}: {line!r} became {given}, not {wanted}"
    shell.close()


def offered_by_fish(completions, environment, line):
    script = f"source {completions}/hostsplit.fish; complete -C '{line}'"
    out = subprocess.run(["fish", "--no-config", "-c", script], env=environment, capture_output=True, text=True, check=True)
    return {row.split("\t")[0] for row in out.stdout.splitlines()}


def offered_by_program(binary, line):
    out = subprocess.run([binary, "complete", *line.split(" ")], capture_output=True, text=True)
    return {row.split("\t")[0] for row in out.stdout.splitlines()}, out.stderr


def checks(options, top):
    root = top / "machine"
    subprocess.run([options.machine, pathlib.Path(__file__).parent / "machines/trx40-article.toml", root], check=True,
                   capture_output=True)
    ports = root / "var/lib/hostsplit/ports.toml"
    ports.write_text(ports.read_text().replace("desk-2", LABEL).replace("front-2", "rear-9"))
    written = top / "arguments"
    (top / "bin").mkdir()
    stand_in = top / "bin/hostsplit"
    stand_in.write_text(f'#!/bin/sh\n[ "$1" = complete ] && exec {options.bin} "$@"\n'
                        f"{{ printf '%s\\0' \"$@\"; echo; }} >{written}\n")
    stand_in.chmod(0o755)
    environment = {"PATH": f"{top}/bin:{os.environ['PATH']}", "HOME": str(top), "TERM": "xterm", "LC_ALL": "C.UTF-8"}

    for line, there, absent in OFFERED:
        line = line.format(root=f"--root {root}")
        found, err = offered_by_program(options.bin, line)
        yield there <= found and not absent & found and not err, f"complete {line!r}: {sorted(found)} {err}"
    if shutil.which("fish"):
        for line, there, absent in OFFERED:
            found = offered_by_fish(options.completions, environment, "hostsplit " + line.format(root=f"--root {root}"))
            yield there <= found and not absent & found, f"fish: {line!r}: {sorted(found)}"
    shells = {
        "bash": (["bash", "--norc", "--noprofile", "-i"], f"source {options.completions}/hostsplit.bash"),
        "zsh": (["zsh", "-f", "-i"], f"fpath=({options.completions} $fpath); autoload -Uz compinit; compinit -u -D"),
    }
    for name, (command, setup) in shells.items():
        if shutil.which(name):
            yield from typed_lines(name, command, setup, environment, written, root)
    for name in ("bash", "zsh", "fish"):
        if not shutil.which(name):
            print(f"{name} is not installed: its completion was not tried")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True, type=pathlib.Path)
    parser.add_argument("--machine", required=True)
    parser.add_argument("--completions", required=True, type=pathlib.Path)
    options = parser.parse_args()
    good = total = 0
    with tempfile.TemporaryDirectory() as top:
        for right, words in checks(options, pathlib.Path(top)):
            total += 1
            good += right
            if not right:
                print(words)
    print(f"{good} of {total} right")
    return 0 if good == total else 1


if __name__ == "__main__":
    sys.exit(main())
