#!/usr/bin/env python3
"""The entry without hostsplit boots exactly what the owner wrote, whatever that is: boot_entry.py CONFIG

Runs config/grub/42_hostsplit with a 10_linux that prints what it would write, and config/systemd-boot/boot-entries with a
partition that is a folder, over lines of owners that have the same words as hostsplit, in every order. Exit 1 when an
entry is not the owner's line, byte for byte, with hostsplit=off behind it.
"""
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

PARTS = ["quiet", "ro", "hugepagesz=1G", "hugepagesz=2M", "hugepages=4", "hugepages=0:4,1:4", "hugepages=8", "iommu=pt",
         "default_hugepagesz=1G", "hugepages=16000", "hugepages=48", "intel_iommu=on", "a=$x", "b='c", 'd="e', "*", "\\n",
         "hugepages=0:4,1:4x", "xhugepagesz=1G", "console=ttyS0,115200n8", "?", "[a-z]"]
FRONTS = [["hugepagesz=1G", "hugepages=8"], ["hugepagesz=1G", "hugepages=0:4,1:4", "hugepages=8"],
          ["hugepagesz=2M", "hugepages=0:4,1:4", "hugepages=8", "hugepagesz=1G", "hugepages=48"], []]
BEHINDS = [[], ["iommu=pt"], ["intel_iommu=on", "iommu=pt"]]


def together(*parts):
    return " ".join(part for part in parts if part)


def grub(config, top, owner, owner_linux, front, behind, first):
    """\\return the owner's line and that of the entry without hostsplit, behind root=."""
    text = (config / "grub/42_hostsplit").read_text()
    for mark, words in (("WORDS", front), ("BEHIND", behind), ("FIRST", first)):
        text = text.replace(f"@{mark}@", " ".join(words))
    script = top / "42"
    for folder in ("/etc/grub.d/", "/boot/grub/", "/boot/efi", "/boot/"):
        text = text.replace(folder, f"{top}{'/boot/' if folder == '/boot/' else '/'}")
    script.write_text(text)
    linux = top / "10_linux"
    linux.write_text('#!/bin/sh\nprintf "%s|%s" "$GRUB_CMDLINE_LINUX" "$GRUB_CMDLINE_LINUX_DEFAULT"\n')
    linux.chmod(0o755)
    # As hostsplit.cfg sets them: with a blank between, even where the owner has nothing.
    default = (" ".join(front) + " " if front else "") + owner + (" " + " ".join(behind) if behind else "")
    very_first = (" ".join(first) + " " if first else "") + owner_linux
    env = {**os.environ, "GRUB_CMDLINE_LINUX_DEFAULT": default, "GRUB_CMDLINE_LINUX": very_first}
    found = subprocess.run(["sh", script], env=env, capture_output=True, text=True, check=True).stdout
    return f"{owner_linux}|{owner}{' ' if owner else ''}hostsplit=off", found.rstrip("\n")


def systemd_boot(config, top, owner, front, behind):
    entries = top / "esp/loader/entries"
    entries.mkdir(parents=True, exist_ok=True)
    line = together(" ".join(front), owner, " ".join(behind))
    (entries / "proxmox-6.17.conf").write_text(f"title    Proxmox\noptions  {line}\nlinux    /x\n")
    tools = top / "bin"
    tools.mkdir(exist_ok=True)
    # The partition is the folder itself.
    (tools / "mount").write_text(f'#!/bin/sh\nrmdir "$2" && ln -s {top}/esp "$2"\n')
    (tools / "umount").write_text('#!/bin/sh\n[ ! -L "$1" ] || { rm "$1" && mkdir "$1"; }\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    (top / "uuids").write_text("1234-ABCD\n")
    script = top / "boot-entries"
    script.write_text((config / "systemd-boot/boot-entries").read_text()
                      .replace("/etc/kernel/proxmox-boot-uuids", f"{top}/uuids").replace("/sys/firmware/efi", f"{top}"))
    env = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "HOSTSPLIT_MOUNTS": "own"}
    words = front + (["--"] + behind if behind else [])
    subprocess.run(["sh", script, "write", *words], env=env, capture_output=True, text=True, check=True)
    found = (entries / "hostsplit-off-6.17.conf").read_text().splitlines()
    return [f"title    Proxmox without hostsplit", f"options  {owner}{' ' if owner else ''}hostsplit=off", "linux  /x"], found


def several_partitions(config, top):
    """\return what is wrong when one of three partitions cannot be served; entries of before, and room."""
    names, wrong = ["AAAA", "BBBB", "CCCC"], []
    for name in names:
        entries = top / name / "loader/entries"
        entries.mkdir(parents=True)
        (entries / "proxmox-6.17.conf").write_text("title    Proxmox\noptions  iommu=pt quiet\nlinux    /x\n")
        (entries / "hostsplit-off-5.4.conf").write_text("title    a kernel that is gone\n")
    (top / "AAAA/loader/entries/proxmox-6.17.conf").write_text("title    Proxmox\noptions  quiet\nlinux    /x\n")
    tools = top / "tools"
    tools.mkdir()
    # Partitions are folders; a removal is written down, with whether the new entry was there by then.
    (tools / "mount").write_text(f'#!/bin/sh\nrmdir "$2" && ln -s {top}/"${{1##*/}}" "$2"\n')
    (tools / "umount").write_text('#!/bin/sh\n[ ! -L "$1" ] || { rm "$1" && mkdir "$1"; }\n')
    (tools / "df").write_text('#!/bin/sh\necho header\necho "x 9000 0 5000 0% /x"\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    (top / "uuids").write_text("".join(name + "\n" for name in names))
    script = top / "boot-entries"
    script.write_text((config / "systemd-boot/boot-entries").read_text()
                      .replace("/etc/kernel/proxmox-boot-uuids", f"{top}/uuids").replace("/sys/firmware/efi", f"{top}"))
    env = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "HOSTSPLIT_MOUNTS": "own"}

    def run(*words):
        return subprocess.run(["sh", script, *words], env=env, capture_output=True, text=True)

    done = run("write", "--", "iommu=pt")
    if done.returncode == 0 or "AAAA" not in done.stderr:
        wrong.append(f"a failure on AAAA is not told: {done}")
    for name in names[1:]:
        found = sorted(path.name for path in (top / name / "loader/entries").iterdir())
        if found != ["hostsplit-off-6.17.conf", "proxmox-6.17.conf"]:
            wrong.append(f"{name} was not served: {found}")
    if not (top / "AAAA/loader/entries/hostsplit-off-5.4.conf").exists():
        wrong.append("an old entry went where no new one came")
    if run("check", "4000").returncode != 0 or run("check", "6000").returncode == 0:
        wrong.append("room is not looked at")
    done = run("remove")
    left = [path for name in names for path in (top / name).rglob("hostsplit-off-*")]
    if done.returncode != 0 or left:
        wrong.append(f"remove left {left}: {done}")
    return wrong


def main(config):
    rng = random.Random(7)
    wrong = tried = 0
    with tempfile.TemporaryDirectory() as directory:
        top = Path(directory)
        for number in range(240):
            blank = rng.choice([" ", " ", "  "])
            owner, owner_linux = (blank.join(rng.choice(PARTS) for _ in range(rng.randint(0, 7))) for _ in range(2))
            front, behind = rng.choice(FRONTS), rng.choice(BEHINDS)
            first = rng.choice([[], front])
            results = [("GRUB", grub(config, top, owner, owner_linux, [] if first else front, behind, first))]
            # There a blank line of blanks cannot be told from one blank, and "$" and quotes are only text.
            if number % 2 == 0:
                plain = " ".join(owner.split())
                missing = [word for word in behind if word not in plain.split()]
                results.append(("systemd-boot", systemd_boot(config, top, plain, front, missing)))
            for loader, (right, found) in results:
                tried += 1
                if right != found:
                    wrong += 1
                    print(f"{loader}: front {front}, behind {behind}, first {first}\n  right: {right}\n  found: {found}")
    with tempfile.TemporaryDirectory() as directory:
        for sentence in several_partitions(config, Path(directory)):
            wrong += 1
            print(sentence)
    print(f"{tried - wrong} of {tried} entries are the owner's line")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
