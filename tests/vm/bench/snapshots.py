"""Running guests kept in the cache, so that a scenario begins in seconds instead of with a boot.

A snapshot is a directory with two files: `disk.qcow2`, one layer above the image, and `state`,
the stream of a QEMU migration. It is named by a digest of all that decides what is in it:
image, topology, the package, QEMU, and the code of the bench that made it. Nobody writes to
one: each guest has a copy of the disk.
"""

import contextlib
import functools
import hashlib
import os
import shutil
import subprocess
import time
from pathlib import Path

from . import cache, image

BOOTED, INSTALLED = "booted", "installed"
_MOST = 8  # snapshots kept, of about a gigabyte each
_IN_USE = 3600  # seconds: one that was used within them is not removed
_CODE = [Path(__file__), Path(__file__).with_name("machine.py"), Path(__file__).with_name("keeping.py")]


class Snapshot:
    """The state `kind` of a topology, with `deb` for INSTALLED; in the cache or still to be made."""

    def __init__(self, kind, topology, deb):
        self.kind = kind
        self.topology = topology.name
        self._path = _directory() / f"{image.digest()}-{topology.name}-{kind}-{_key(kind, topology, deb)}"

    @property
    def disk(self):
        """The layer above the image."""
        return self._path / "disk.qcow2"

    @property
    def state(self):
        """The migration stream."""
        return self._path / "state"

    def there(self):
        """Whether it can be used; counts as a use."""
        with contextlib.suppress(FileNotFoundError):
            os.utime(self._path)
            return True
        return False

    @contextlib.contextmanager
    def making(self):
        """A directory to put the two files into; the snapshot is there when the block ends well."""
        work = self._path.with_name(f"new-{os.getpid()}")
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        try:
            yield work
            work.rename(self._path)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        _prune()

    def locked(self):
        """Held while the snapshot is made, so that no two do it."""
        return cache.locked(f"snapshot-{self.topology}-{self.kind}", f"another guest has the snapshot {self.kind}: waiting for it")

    def forget(self):
        """Remove it: the guest in it is not well."""
        shutil.rmtree(self._path, ignore_errors=True)


def _directory():
    path = cache.directory() / "snapshots"
    path.mkdir(exist_ok=True)
    return path


def _key(kind, topology, deb):
    digest = hashlib.sha256(f"{topology.digest()} {_qemu()}".encode())
    for file in [*_CODE, *([deb] if kind == INSTALLED else [])]:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


@functools.cache
def _qemu():
    return subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True, check=True).stdout


def _prune():
    """Those of another image go, and of the others the ones that were used longest ago."""
    def used(path):
        with contextlib.suppress(FileNotFoundError):
            return path.stat().st_mtime
        return 0.0

    found = sorted(_directory().iterdir(), key=used, reverse=True)
    mine = [path for path in found if path.name.startswith(image.digest())]
    for path in [path for path in found if path not in mine] + mine[_MOST:]:
        if used(path) < time.time() - _IN_USE:
            shutil.rmtree(path, ignore_errors=True)
