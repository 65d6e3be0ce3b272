"""Builds the disk image that guests start from, and keeps it in the cache.

The image is named by a digest of everything it is made of (this file and guest/), so a
changed recipe means a new image. Neither loop devices nor KVM are needed; root is, because
the files in the image belong to root.
"""

import functools
import hashlib
import os
import shutil
import struct
import subprocess
import time
from pathlib import Path

from . import cache
from .errors import BenchError, GuestCrashed
from .machine import Machine

SUITE = "trixie"
_RECIPE = Path(__file__).parent.parent / "guest"
_SIZE_MIB = 8192
_FIRST_BOOT_LIMIT = 300
_RESTARTS = 2
_TOOLS = {"mmdebstrap": "mmdebstrap", "mke2fs": "e2fsprogs", "qemu-img": "qemu-utils",
          "qemu-system-x86_64": "qemu-system-x86"}
_DEVICES = ["-device", "virtio-blk-pci,bus=pcie.0,addr=0x2,drive=root"]


def ensure():
    """The path of the image (qcow2); builds it first when there is none."""
    if not path().exists():
        with cache.locked("image", "another build of the image is running: waiting for it"):
            if not path().exists():
                _build()
    return path()


def path():
    """Where the image of the present recipe is, or will be."""
    return cache.directory() / f"image-{digest()}.qcow2"


@functools.cache
def digest():
    """A short name of the present recipe."""
    recipe = hashlib.sha256()
    files = [Path(__file__), *sorted(p for p in _RECIPE.rglob("*") if p.is_file())]
    for file in files:
        recipe.update(f"{file.name} {file.stat().st_mode & 0o111} ".encode())
        recipe.update(file.read_bytes())
    return recipe.hexdigest()[:16]


def _build():
    _check_tools()
    say = _Progress()
    work = cache.directory() / "build"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    root, raw, image = work / "root", work / "disk.raw", work / "disk.qcow2"
    try:
        say(f"installing Debian {SUITE}")
        _install(root, work / "install.log")
        say("writing the disk")
        _write_disk(root, raw)
        for _ in range(1 + _RESTARTS):
            _command("qemu-img", "convert", "-O", "qcow2", raw, image)
            say("first boot, in which the guest installs GRUB")
            try:
                _first_boot(root, image, work / "console.log")
                break
            except GuestCrashed as crash:
                say(f"starting it again: {crash}")
        else:
            raise BenchError("the emulator crashed every first boot")
        for old in cache.directory().glob("image-*.qcow2"):
            old.unlink()
        image.rename(path())
        say(f"done: {path()}")
    finally:
        shutil.rmtree(work, ignore_errors=True)


class _Progress:
    """Prints steps with the seconds since the start."""

    def __init__(self):
        self._start = time.monotonic()

    def __call__(self, text):
        print(f"image: {time.monotonic() - self._start:4.0f} s  {text}", flush=True)


def _check_tools():
    if os.geteuid() != 0:
        raise BenchError("building the image needs root")
    for tool, package in _TOOLS.items():
        if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
            raise BenchError(f"{tool} is missing: apt install {package}")


def _install(root, log):
    lines = (_RECIPE / "packages").read_text().splitlines()
    packages = [line for line in lines if line and not line.startswith("#")]
    preseed = "grub-pc grub-pc/install_devices_empty boolean true"
    with open(log, "wb") as output:
        done = subprocess.run(
            ["mmdebstrap", "--variant=minbase", f"--include={','.join(packages)}",
             '--aptopt=Apt::Install-Recommends "false"',
             f"--essential-hook=echo '{preseed}' | chroot \"$1\" debconf-set-selections",
             f"--customize-hook='{_RECIPE / 'customize.sh'}' \"$1\"", SUITE, root],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False)
    if done.returncode != 0:
        tail = log.read_text(errors="replace").splitlines()[-30:]
        raise BenchError("mmdebstrap failed:\n" + "\n".join(tail))


def _write_disk(root, raw):
    """A disk with one ext4 partition from 1 MiB to its end, filled from `root`."""
    with open(raw, "wb") as disk:
        disk.truncate(_SIZE_MIB << 20)
    _command("mke2fs", "-q", "-F", "-t", "ext4", "-L", "pvehost", "-d", root,
             "-E", f"offset={1 << 20}", raw, f"{_SIZE_MIB - 1}M")
    start, count = 2048, (_SIZE_MIB - 1) * 2048
    no_chs = b"\xfe\xff\xff"
    entry = struct.pack("<B3sB3sII", 0x80, no_chs, 0x83, no_chs, start, count)
    with open(raw, "r+b") as disk:
        disk.seek(440)
        disk.write(b"HSPL\0\0" + entry + bytes(48) + b"\x55\xaa")


def _first_boot(root, image, log):
    kernel = next((root / "boot").glob("vmlinuz-*"))
    initrd = next((root / "boot").glob("initrd.img-*"))
    machine = Machine(image, log, _DEVICES, extra=[
        "-kernel", kernel, "-initrd", initrd, "-append",
        "root=/dev/vda1 rw console=ttyS0 loglevel=5 init=/usr/local/lib/bench/first-boot"])
    try:
        machine.wait_end(_FIRST_BOOT_LIMIT)
    finally:
        machine.kill()
    if "first-boot: done" not in log.read_text(errors="replace"):
        raise BenchError(f"the first boot failed\n{machine.console.tail()}")


def _command(*argv):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"},
                          check=False)
    if done.returncode != 0:
        raise BenchError(f"{argv[0]} failed: {done.stderr.strip()}")
