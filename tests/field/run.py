#!/usr/bin/env python3
"""Machines and situations people described in public, and what hostsplit must say to them.

  run.py --bin HOSTSPLIT --machine HOSTSPLIT-MACHINE [-v] [CASE...]

A case is a folder: machine.toml (tests/machines/README.md), overlay (files laid over the tree) and post.sh (run in it
afterwards) for what that format has no words for, NAME.conf.toml (configurations), ports.toml, README (why), and `right`, one expectation a line:
  CONF VERB rc=N[|N] [has=REGEX]... [not=REGEX]...      CONF is "none" for a host without configuration, "-" for the one
  in machine.toml
Prints a line for each expectation that does not hold, and "N of M right" last; exit 0 when all do.
"""
import argparse
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile


def build(case, tree, machine):
    subprocess.run([machine, case / "machine.toml", tree], check=True, capture_output=True, text=True)
    if (case / "overlay").exists():
        shutil.copytree(case / "overlay", tree, symlinks=True, dirs_exist_ok=True)
    if (case / "post.sh").exists():
        subprocess.run(["bash", "-eu", (case / "post.sh").absolute()], cwd=tree, check=True, capture_output=True, text=True)
    if (case / "ports.toml").exists():
        (tree / "var/lib/hostsplit").mkdir(parents=True, exist_ok=True)
        shutil.copy(case / "ports.toml", tree / "var/lib/hostsplit/ports.toml")


def configure(case, tree, conf):
    if conf == "-":  # the one in the machine, or none
        return
    target = tree / "etc/hostsplit/hostsplit.toml"
    target.unlink(missing_ok=True)
    if conf != "none":
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(case / f"{conf}.conf.toml", target)


def offences(answer, wants):
    out = answer.stdout + answer.stderr
    for want in wants:
        kind, _, value = want.partition("=")
        if kind == "rc" and str(answer.returncode) not in value.split("|"):
            yield f"exit {answer.returncode}, not {value}"
        elif kind == "has" and not re.search(value, out, re.I | re.S):
            yield f"lacks /{value}/"
        elif kind == "not" and re.search(value, out, re.I | re.S):
            yield f"has /{value}/"
        elif kind not in ("rc", "has", "not"):
            yield f"cannot be read: {want}"


def try_case(case, options):
    """Yields (right, words) for each expectation."""
    lines = [line for line in (case / "right").read_text().splitlines() if line.strip() and not line.startswith("#")]
    with tempfile.TemporaryDirectory() as top:
        tree = pathlib.Path(top) / "machine"
        try:
            build(case, tree, options.machine)
        except subprocess.CalledProcessError as error:
            yield False, f"{case.name}: cannot be built: {error.stderr.strip()}"
            return
        for line in lines:
            conf, verb, *wants = shlex.split(line)
            configure(case, tree, conf)
            answer = subprocess.run([options.bin, "--root", tree, *verb.split()], capture_output=True, text=True,
                                    timeout=120, errors="replace")
            bad = "; ".join(offences(answer, wants))
            more = f"\n{answer.stdout}{answer.stderr}" if options.v and bad else ""
            yield not bad, f"{case.name} [{conf} {verb}]: {bad}{more}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--machine", required=True)
    parser.add_argument("-v", action="store_true")
    parser.add_argument("cases", nargs="*")
    options = parser.parse_args()
    good = total = 0
    for right in sorted(pathlib.Path(__file__).parent.glob("*/right")):
        if options.cases and right.parent.name not in options.cases:
            continue
        for fine, words in try_case(right.parent, options):
            total += 1
            good += fine
            if not fine:
                print(words)
    print(f"{good} of {total} right")
    sys.exit(0 if total and good == total else 1)


if __name__ == "__main__":
    main()
