"""Machines as data: topologies/NAME.toml to the devices of a QEMU command line.

A file has a `description`, and `devices`: a list of tables with `driver`, `id` and whatever
properties the QEMU device takes, in the order of the command line (a bus before what sits on
it). Two back ends exist for all: drive "root" and netdev "net". `extends = "NAME"` puts the
devices of another topology first. `machine` is more for QEMU's -machine, "i8042=off". `iommu` is
"intel", if nothing is said, "amd" or "none". `node_memory` is the MiB of each node, 8192 if nothing is said.
"""

import hashlib
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

from .errors import BenchError

DIRECTORY = Path(__file__).parent.parent / "topologies"

# With caching-mode VFIO can use Intel's; AMD's has none, but bindings and groups are like those of a real one.
_IOMMUS = {"intel": ["-device", "intel-iommu,intremap=on,caching-mode=on"],
           "amd": ["-device", "amd-iommu,intremap=on"],
           "none": []}


@dataclass(frozen=True)
class Topology:
    """One machine: its name, a sentence about it, and its devices in order."""

    name: str
    description: str
    devices: tuple
    machine: str = ""
    iommu: str = "intel"
    node_memory: int = 8192

    def arguments(self):
        """The part of QEMU's command line that makes this machine different from others."""
        machine = ["-machine", self.machine] if self.machine else []
        return machine + _IOMMUS[self.iommu] + [word for device in self.devices for word in ("-device", device_argument(device))]

    def ids(self):
        """The ids of all devices that have one."""
        return {device["id"] for device in self.devices if "id" in device}

    def digest(self):
        """A short name for exactly these devices."""
        text = json.dumps(self.devices, sort_keys=True) + self.machine + self.iommu + str(self.node_memory)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def device_argument(device):
    """A device table as the value of -device."""
    words = [device["driver"]]
    for key, value in device.items():
        if key != "driver":
            words.append(f"{key}={_property(value)}")
    return ",".join(words)


def names():
    """All topologies there are."""
    return sorted(path.stem for path in DIRECTORY.glob("*.toml"))


def load(name):
    """The topology of that name."""
    path = DIRECTORY / f"{name}.toml"
    if not path.is_file():
        raise BenchError(f"no topology {name!r}; there are: {', '.join(names())}")
    try:
        data = tomllib.loads(path.read_text())
        devices = load(data["extends"]).devices if "extends" in data else ()
        devices += tuple(data["devices"])
        for device in devices:
            device["driver"]
        _IOMMUS[data.get("iommu", "intel")]
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise BenchError(f"{path.name}: {error}") from error
    return Topology(name, data.get("description", ""), devices, data.get("machine", ""),
                    data.get("iommu", "intel"), data.get("node_memory", 8192))


def _property(value):
    if isinstance(value, bool):
        return "on" if value else "off"
    # QEMU takes a comma inside a value as two.
    return str(value).replace(",", ",,")
