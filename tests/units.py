#!/usr/bin/env python3
"""Holds the units against what docs/sandbox.md promises: units.py SYSTEMD_DIRECTORY

How exposed each service is, as `systemd-analyze security` of this machine judges the file; and that no unit that others
wait for can keep the boot waiting. Exit 77 where systemd-analyze is missing or cannot judge files.
"""
import re
import subprocess
import sys
from pathlib import Path

MOST = {"hostsplitd.service": 2.0, "hostsplit-work@.service": 6.0, "hostsplit-reserve.service": 5.0,
        "hostsplit-host-usb.service": 4.0, "hostsplit-mail.service": 5.0, "hostsplit-boot-count.service": 3.5,
        "hostsplit-boot-healthy.service": 3.5}
BOUNDED = ["MemoryMax", "TasksMax", "UMask", "OOMPolicy"]  # of hostsplitd.service


def exposure(unit):
    said = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", str(unit)],
                          capture_output=True, text=True, check=False)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said.stdout)
    return float(found.group(1)) if found else said.stderr.strip()


def settings(unit):
    return dict(line.split("=", 1) for line in unit.read_text().splitlines() if re.match(r"[A-Za-z]+=", line))


def main(directory):
    offences = []
    if {unit.name for unit in directory.glob("*.service")} != set(MOST):
        offences.append(f"the services in {directory} are not the ones with a limit")
    for name, most in MOST.items():
        found = exposure(directory / name)
        print(f"{name}: {found}, at most {most}")
        if not isinstance(found, float) or found > most:
            offences.append(f"{name}: exposure {found}, more than {most}")
        unit = settings(directory / name)
        if "sysinit.target" in unit.get("Before", "") and not unit.get("TimeoutStartSec", "").isdigit():
            offences.append(f"{name}: sysinit.target waits for it without TimeoutStartSec")
    service = settings(directory / "hostsplitd.service")
    offences += [f"hostsplitd.service: no {setting}" for setting in BOUNDED if setting not in service]
    print("\n".join(offences))
    return 1 if offences else 0


if __name__ == "__main__":
    try:
        able = "--offline" in subprocess.run(["systemd-analyze", "--help"], capture_output=True, text=True,
                                             check=False).stdout
    except FileNotFoundError:
        able = False
    if not able:
        print("skipped: systemd-analyze is missing, or cannot judge files")
        sys.exit(77)
    sys.exit(main(Path(sys.argv[1])))
