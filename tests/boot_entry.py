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
         "#x", "a;b", "hugepages=0:4,1:4x", "xhugepagesz=1G", "console=ttyS0,115200n8", "?", "[a-z]"]
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
    if set("#;") & set(owner_linux + owner):  # GRUB would not give it to the kernel behind these
        return f"hostsplit=off{' ' if owner_linux else ''}{owner_linux}|{owner}", found.rstrip("\n")
    return f"{owner_linux}|{owner}{' ' if owner else ''}hostsplit=off", found.rstrip("\n")


class Partitions:
    """boot-entries over partitions that are folders."""

    def __init__(self, config, top, names):
        self.top, self.names = top, names
        tools = top / "tools"
        tools.mkdir(exist_ok=True)
        (tools / "mount").write_text(f'#!/bin/sh\nrmdir "$2" && ln -s {top}/"${{1##*/}}" "$2"\n')
        (tools / "umount").write_text('#!/bin/sh\n[ ! -L "$1" ] || { rm "$1" && mkdir "$1"; }\n')
        for tool in tools.iterdir():
            tool.chmod(0o755)
        (top / "boot").mkdir(exist_ok=True)
        (top / "uuids").write_text("".join(name + "\n" for name in names))
        for name in names:
            self.entries(name).mkdir(parents=True, exist_ok=True)
        text = (config / "systemd-boot/boot-entries").read_text()
        for path, instead in (("/etc/kernel/proxmox-boot-uuids", "uuids"), ("/sys/firmware/efi", ""), ("/boot/initrd", "boot/initrd"),
                              ("/boot/vmlinuz", "boot/vmlinuz"), ("find /boot ", "boot "), ("/run/hostsplit/", "run/"),
                              ("/proc/cmdline", "cmdline")):
            text = text.replace(path, f"{'find ' if path.startswith('find') else ''}{top}/{instead}")
        self.script = top / "boot-entries"
        self.script.write_text(text)
        self.env = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "HOSTSPLIT_MOUNTS": "own"}

    def entries(self, name):
        return self.top / name / "loader/entries"

    def run(self, *words, check=False):
        return subprocess.run(["sh", self.script, *words], env=self.env, capture_output=True, text=True, check=check)

    def menu(self, name):
        return sorted(path.name for path in self.entries(name).iterdir())


def systemd_boot(config, top, owner, front, behind):
    """\\return the right lines of the entry without hostsplit, and those that boot-entries writes."""
    machine = Partitions(config, top, ["esp"])
    line = together(" ".join(front), owner, " ".join(behind))
    (machine.entries("esp") / "proxmox-6.17.conf").write_text(f"title    Proxmox\noptions  {line}\nlinux    /x\n")
    machine.run("write", *front, *(["--"] + behind if behind else []), check=True)
    found = (machine.entries("esp") / "hostsplit-off-6.17.conf").read_text().splitlines()
    return ["title    Proxmox without hostsplit", f"options  {owner}{' ' if owner else ''}hostsplit=off", "linux  /x"], found


def several_partitions(config, top):
    """\\return what is wrong when one of three partitions cannot be served; entries of before, and room."""
    names, wrong = ["AAAA", "BBBB", "CCCC"], []
    machine = Partitions(config, top, names)
    for name in names:
        (machine.entries(name) / "proxmox-6.17.conf").write_text("title    Proxmox\noptions  iommu=pt quiet\nlinux    /x\n")
        (machine.entries(name) / "hostsplit-off-5.4.conf").write_text("title    a kernel that is gone\n")
    (machine.entries("AAAA") / "proxmox-6.17.conf").write_text("title    Proxmox\noptions  quiet\nlinux    /x\n")
    df = top / "tools/df"
    df.write_text('#!/bin/sh\necho header\necho "x 9000 0 5000 0% /x"\n')
    df.chmod(0o755)

    done = machine.run("write", "--", "iommu=pt")
    if done.returncode == 0 or "AAAA" not in done.stderr:
        wrong.append(f"a failure on AAAA is not told: {done}")
    for name in names[1:]:
        if machine.menu(name) != ["hostsplit-off-6.17.conf", "proxmox-6.17.conf"]:
            wrong.append(f"{name} was not served: {machine.menu(name)}")
    if "hostsplit-off-5.4.conf" not in machine.menu("AAAA"):
        wrong.append("an old entry went where no new one came")
    if machine.run("check", "4000").returncode != 0 or machine.run("check", "6000").returncode == 0:
        wrong.append("room is not looked at")
    done = machine.run("remove")
    left = [path for name in names for path in (top / name).rglob("hostsplit-off-*")]
    if done.returncode != 0 or left:
        wrong.append(f"remove left {left}: {done}")
    return wrong


COUNTED = "proxmox-hostsplit+2.conf"


class CountedBoots:
    """A host that systemd-boot starts, boot by boot."""

    def __init__(self, config, top):
        self.machine, self.wrong = Partitions(config, top, ["esp", "other"]), []
        self.note, self.cmdline = top / "run/boots.env", top / "cmdline"
        for name in self.machine.names:
            (top / name / "loader/loader.conf").write_text("timeout 3\ndefault proxmox-*\n")
            for kernel in ("6.8.12-9", "6.8.12-10"):
                (self.entries(name) / f"proxmox-{kernel}.conf").write_text(
                    f"title    Proxmox\nversion  {kernel}\noptions  root=/dev/x quiet iommu=pt\ninitrd   /EFI/proxmox/initrd.img-{kernel}\n")

    def entries(self, name="esp"):
        return self.machine.entries(name)

    def write(self):
        self.machine.run("write", "--", "iommu=pt", check=True)

    def right(self, what, true):
        if not true:
            self.wrong.append(f"{what}: {self.machine.menu('esp')}, {self.note.read_text()[:50] if self.note.exists() else 'no note'!r}")

    def begin(self, line="quiet"):
        """As systemd-boot does: of the first partition, one try less."""
        counted = next((name for name in self.machine.menu("esp") if name.startswith("proxmox-hostsplit+")), None)
        left = int(counted.split("+")[1].split("-")[0].split(".")[0])
        if left and "hostsplit=off" not in line:
            (self.entries() / counted).rename(self.entries() / f"proxmox-hostsplit+{left - 1}-{3 - left}.conf")
        self.cmdline.write_text(line + "\n")
        self.machine.run("count", check=True)

    def begun(self):
        lines = self.note.read_text().splitlines()
        return lines[1].removeprefix("hostsplit_boots=") if lines[1].startswith("hostsplit_boots=") else ""

    def set_back(self):
        """What the service, or apply, does to the note, and what hostsplit-boot-healthy.path has done then."""
        self.note.write_text("# GRUB Environment Block\n".ljust(1024, "#"))
        self.machine.run("healthy", check=True)


def counting(config, top):
    """\\return what is wrong with the entry that systemd-boot counts."""
    host = CountedBoots(config, top)
    host.write()
    entry, off = ((host.entries() / name).read_text().splitlines() for name in (COUNTED, "proxmox-hostsplit-off.conf"))
    host.right("the newest kernel is counted", entry[0] == "sort-key hostsplit-1" and "version  6.8.12-10" in entry)
    host.right("with all parameters", "options  root=/dev/x quiet iommu=pt" in entry)
    host.right("what comes after it is without", off[0] == "sort-key hostsplit-2" and "options  root=/dev/x quiet hostsplit=off" in off)
    host.right("nothing has begun", host.begun() == "" and host.note.stat().st_size == 1024)
    host.begin()
    host.right("a boot has begun", host.begun() == "1")
    host.write()
    host.right("a kernel that comes meanwhile is no healthy boot", "proxmox-hostsplit+1-1.conf" in host.machine.menu("esp"))
    host.machine.run("healthy", check=True)
    host.right("nor is a look at the note", host.begun() == "1" and "proxmox-hostsplit+1-1.conf" in host.machine.menu("esp"))
    host.set_back()
    host.right("a healthy one sets it back", COUNTED in host.machine.menu("esp") and host.begun() == "")
    host.begin()
    host.begin()
    host.right("two have begun", host.begun() == "2")
    host.begin("quiet hostsplit=off")
    host.right("the third is without hostsplit", host.begun() == "given-up" and host.note.stat().st_size == 1024)
    host.write()
    host.right("it stays so", "proxmox-hostsplit+0-2.conf" in host.machine.menu("esp"))
    host.note.write_text("# GRUB Environment Block\n".ljust(1024, "#"))
    host.write()
    host.right("until apply", COUNTED in host.machine.menu("esp"))
    pinned_or_kept(host, top)
    before = [name for name in host.machine.menu("esp") if name.startswith("proxmox-6")]
    host.machine.run("remove", check=True)
    host.right("all goes", host.machine.menu("esp") == before and not host.note.exists() and not (top / "esp/EFI/hostsplit").exists())
    return host.wrong


def pinned_or_kept(host, top):
    """Somebody else decides what starts; an image from before hostsplit; a kernel that goes."""
    for loader, variable in (("default proxmox-6.8.12-9.conf\n", False), ("default proxmox-*\n", True)):
        (top / "esp/loader/loader.conf").write_text(loader)
        by_hand = top / "efivars/LoaderEntryDefault-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
        if variable:
            by_hand.parent.mkdir()
            by_hand.write_text("x")
        host.write()
        host.right(f"another default, {variable}", not [name for name in host.machine.menu("esp") if name.startswith("proxmox-host")])
        if variable:
            by_hand.unlink()
    theirs = host.entries() / "proxmox-6.8.12-10.conf"
    before = theirs.read_text()
    host.write()
    theirs.write_text(before.replace(" iommu=pt", ""))
    done = host.machine.run("write", "--", "iommu=pt")
    host.right("who took the parameters out starts without them", done.returncode != 0 and "iommu=pt" in done.stderr
               and not [name for name in host.machine.menu("esp") if name.startswith("proxmox-host")])
    theirs.write_text(before)
    (top / "boot/initrd.img-6.8.12-10.hostsplit-off").write_text("image")
    (top / "boot/initrd.img-5.4.hostsplit-off").write_text("image")
    (top / "boot/vmlinuz-6.8.12-10").write_text("kernel")
    host.write()
    off = (host.entries() / "proxmox-hostsplit-off.conf").read_text()
    host.right("the image from before is taken", "initrd  /EFI/hostsplit/initrd.img-6.8.12-10\n" in off
               and (top / "esp/EFI/hostsplit/initrd.img-6.8.12-10").read_text() == "image")
    host.right("that of a kernel that is gone goes", not (top / "boot/initrd.img-5.4.hostsplit-off").exists())
    for name in host.machine.names:
        (host.entries(name) / "proxmox-6.8.12-10.conf").unlink()
    host.write()
    host.right("so does its copy, and the next kernel is counted", not (top / "esp/EFI/hostsplit").exists()
               and "version  6.8.12-9\n" in (host.entries() / COUNTED).read_text())


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
    for look in (several_partitions, counting):
        with tempfile.TemporaryDirectory() as directory:
            for sentence in look(config, Path(directory)):
                wrong += 1
                print(sentence)
    print(f"{tried - wrong} of {tried} entries are the owner's line")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
