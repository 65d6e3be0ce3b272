#!/usr/bin/env python3
"""Holds the screens in docs/screens.md against the program: screens.py --bin HOSTSPLIT --machine HOSTSPLIT-MACHINE --docs FILE

A code block that begins with "$ COLUMNS=N hostsplit VERB" is what that command prints on tests/machines/trx40-article.toml.
With HOSTSPLIT_REGENERATE=1 the blocks are written anew; look at the difference. Exit 1 when a block differs.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"^```\n\$ COLUMNS=(\d+) hostsplit ([^\n]+)\n(.*?)^```$", re.S | re.M)


def printed(binary, root, columns, verb):
    environment = {**os.environ, "COLUMNS": columns}
    answer = subprocess.run([binary, "--root", root, *verb.split()], env=environment, capture_output=True, text=True)
    return (answer.stdout + answer.stderr).replace(str(root), "")


def main():
    parser = argparse.ArgumentParser()
    for name in ("--bin", "--machine", "--docs"):
        parser.add_argument(name, required=True, type=pathlib.Path)
    options = parser.parse_args()
    text = options.docs.read_text()
    with tempfile.TemporaryDirectory() as top:
        root = pathlib.Path(top) / "machine"
        machine = pathlib.Path(__file__).parent / "machines/trx40-article.toml"
        subprocess.run([options.machine, machine, root], check=True, capture_output=True)

        def block(match):
            columns, verb, _ = match.groups()
            return f"```\n$ COLUMNS={columns} hostsplit {verb}\n{printed(options.bin, root, columns, verb)}```"

        right, blocks = BLOCK.subn(block, text)
    if blocks < 4:
        print(f"only {blocks} screens in {options.docs}: the check looked in the wrong place")
        return 1
    if os.environ.get("HOSTSPLIT_REGENERATE") == "1":
        options.docs.write_text(right)
        return 0
    if right == text:
        print(f"{blocks} screens are as the program prints them")
        return 0
    for old, new in zip(BLOCK.finditer(text), BLOCK.finditer(right)):
        if old.group(0) != new.group(0):
            print(f"{options.docs}: hostsplit {old.group(2)} prints:\n{new.group(3)}")
    print("if this is meant: HOSTSPLIT_REGENERATE=1, then look at the difference")
    return 1


if __name__ == "__main__":
    sys.exit(main())
