"""The disk of a guest: a stack of qcow2 layers above an image that stays as it is.

Every power-on writes to a layer of its own, so a boot that the emulator spoiled can be
thrown away and done again as if it had not been.
"""

import subprocess

from .errors import BenchError


class Disk:
    """Layers in `directory` above `base`; the uppermost is what a guest writes to."""

    def __init__(self, base, directory):
        self._base = base
        self._directory = directory
        self._count = 0

    @property
    def top(self):
        """The uppermost layer."""
        return self._layer(self._count)

    def push(self):
        """Put an empty layer on top."""
        below = self.top
        self._count += 1
        _qemu_img("create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", below, self.top)

    def adopt(self, path):
        """Put a copy of a layer that stood on the image itself on top of it."""
        if self._count:
            raise BenchError("only the lowest layer can come from elsewhere")
        self._count += 1
        _copy(path, self.top)

    def give(self, path):
        """Move the one layer there is to `path`."""
        if self._count != 1:
            raise BenchError(f"{self._count} layers cannot be kept in one file")
        self.top.rename(path)
        self._count = 0

    def copy_top(self, path):
        """Copy the uppermost layer, for put_back()."""
        _copy(self.top, path)

    def put_back(self, height, path):
        """Be again as at that height, with the copy of then for the layer there. The copy is used up."""
        self.cut(height - 1)
        self._count = height
        path.rename(self.top)

    def pop(self):
        """Throw the uppermost layer away."""
        self.cut(self._count - 1)

    def mark(self):
        """The present height, for cut()."""
        return self._count

    def cut(self, height):
        """Throw everything above `height` away."""
        while self._count > height:
            self.top.unlink()
            self._count -= 1

    def save(self, path):
        """Write all layers into one file that needs nothing but itself."""
        _qemu_img("convert", "-O", "qcow2", self.top, path)

    def _layer(self, number):
        return self._directory / f"layer-{number}.qcow2" if number else self._base


def create_stick(path, size):
    """An empty disk for a USB stick."""
    _qemu_img("create", "-q", "-f", "qcow2", path, size)


def _copy(source, target):
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", source, target], check=True)


def _qemu_img(*arguments):
    done = subprocess.run(["qemu-img", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"qemu-img {arguments[0]} failed: {done.stderr.strip()}")
