#!/usr/bin/env python3
"""Which splits two builds allow: each USB controller of all described machines, given to a VM alone.

  splits.py OLD-HOSTSPLIT NEW-HOSTSPLIT HOSTSPLIT-MACHINE
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).parent.parent
CONFIG = 'version = 1\n[host]\nkeep_free = "1GiB"\n[vm.901]\ncontrollers = ["{}"]\n'


def plan(binary, tree, address):
    target = tree / "etc/hostsplit/hostsplit.toml"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(CONFIG.format(address))
    answer = subprocess.run([binary, "--root", tree, "plan", "--json"], capture_output=True, text=True, timeout=300)
    findings = json.loads(answer.stdout).get("findings", [])
    return answer.returncode, [f"{x['code']}: {x['message']}" for x in findings if x["severity"] == "error"]


def controllers(tree):
    for directory in sorted(tree.glob("sys/bus/pci/devices/*")):
        found = re.search(r"PCI_CLASS=(\w+)", (directory / "uevent").read_text())
        if found and int(found[1], 16) >> 8 == 0x0C03:
            yield directory.name


def main():
    old, new, machine = sys.argv[1:4]
    total, rows = 0, []
    for source in sorted(TESTS.glob("machines/*.toml")) + sorted(TESTS.glob("field/*/machine.toml")):
        case = source.parent
        with tempfile.TemporaryDirectory() as top:
            tree = pathlib.Path(top) / "machine"
            subprocess.run([machine, source, tree], check=True, capture_output=True)
            if (case / "overlay").exists():
                shutil.copytree(case / "overlay", tree, symlinks=True, dirs_exist_ok=True)
            if (case / "post.sh").exists():
                subprocess.run(["bash", "-eu", case / "post.sh"], cwd=tree, check=True, capture_output=True)
            for address in controllers(tree):
                total += 1
                before, after = plan(old, tree, address), plan(new, tree, address)
                if (before[0] in (0, 4)) != (after[0] in (0, 4)):
                    name = source.stem if case.name == "machines" else case.name
                    rows.append(f"{name} {address}: {before[0]} -> {after[0]} {'; '.join(after[1] or before[1])}")
    print(f"{total} controllers, {len(rows)} of them judged differently")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
