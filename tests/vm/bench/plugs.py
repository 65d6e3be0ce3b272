"""What is plugged into a guest while it runs. Things stay plugged when the power goes."""

from .disk import create_stick
from .errors import BenchError
from .topology import device_argument

_DELETE_LIMIT = 60


class Plugs:
    """Devices added to a guest after it was built; sticks have their disks in `directory`."""

    def __init__(self, directory):
        self._directory = directory
        self._devices = {}

    def add_stick(self, qmp, controller, port, serial, size, properties):
        """Plug a USB stick; known under its serial."""
        identity = stick_id(serial)
        path = self._directory / f"{identity}.qcow2"
        if not path.exists():
            create_stick(path, size)
        qmp.command("blockdev-add", **_stick_disk(identity, path))
        try:
            self.add(qmp, {"driver": "usb-storage", "id": identity, "bus": f"{controller}.0",
                           "port": str(port), "drive": f"disk-{identity}", "serial": serial,
                           "removable": True, **properties})
        except BenchError:
            qmp.command("blockdev-del", **{"node-name": f"disk-{identity}"})
            raise

    def add(self, qmp, device):
        """Plug any device: a table as in a topology, with an id."""
        if device["id"] in self._devices:
            raise BenchError(f"{device['id']} is plugged already")
        qmp.command("device_add", **device)
        self._devices[device["id"]] = device

    def remove(self, qmp, identity):
        """Unplug a device, and with a hub all that hangs on it; returns when it is gone."""
        if identity not in self._devices:
            raise BenchError(f"{identity} is not plugged; plugged are: {', '.join(self._devices)}")
        qmp.command("device_del", id=identity)
        qmp.wait_event("DEVICE_DELETED", _DELETE_LIMIT, device=identity)
        for gone in self._with_children(self._devices[identity]):
            del self._devices[gone["id"]]
            if "drive" in gone:
                qmp.command("blockdev-del", **{"node-name": gone["drive"]})

    def arguments(self):
        """The part of a QEMU command line that has everything plugged from the start."""
        words = []
        for device in self._devices.values():
            if "drive" in device:
                words += ["-blockdev", f"driver=qcow2,node-name={device['drive']},file.driver=file,"
                          f"file.filename={self._directory / device['id']}.qcow2"]
            words += ["-device", device_argument(device)]
        return words

    def ids(self):
        """The ids of all that is plugged."""
        return list(self._devices)

    def state(self):
        """What is plugged now, for restore()."""
        return dict(self._devices)

    def restore(self, state):
        """Take `state` for what is plugged; for a machine that is off."""
        self._devices = dict(state)

    def _with_children(self, device):
        prefix = f"{device.get('port')}."
        children = [other for other in self._devices.values()
                    if device["driver"] == "usb-hub" and other.get("bus") == device["bus"]
                    and other.get("port", "").startswith(prefix)]
        return [*children, device]


def stick_id(serial):
    """The QEMU id of the stick with that serial."""
    return f"stick-{serial}"


def _stick_disk(identity, path):
    return {"driver": "qcow2", "node-name": f"disk-{identity}",
            "file": {"driver": "file", "filename": str(path)}}
