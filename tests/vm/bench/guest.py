"""The virtual host: power, commands, files, plugs."""

import contextlib
import shutil
import time
from pathlib import Path

from . import cache, image, keeping, plugs, topology
from .checks import eventually
from .disk import Disk
from .errors import BenchError, CommandFailed, GuestCrashed, GuestTimeout
from .job import Job
from .machine import Machine
from .snapshots import INSTALLED, Snapshot

_BOOT_LIMIT = 480  # most take half a minute, one from a USB stick on a busy machine ten times as long
_SHUTDOWN_LIMIT = 180
_INSTALL_LIMIT = 600  # its triggers rebuild the initramfs, about a minute on a quiet machine
_ADDRESS = "10.0.2.15"  # that QEMU's user network gives the first guest
_UEFI = Path("/usr/share/OVMF")  # the package ovmf
_RESTARTS = 2  # of one boot, and only for a crash of the emulator

_TIMER = 'TIMEFORMAT=%3R; time eval "$1"'


class Guest:
    """One virtual host. Use it as a context manager: leaving the block removes everything.

    The disk is a fresh one above the bench's image (or above `disk`) and lives as long as
    this object: through reboots, power cuts, and a start with another topology. What is
    plugged stays plugged, too.

    `deb` is the hostsplit package of this run, or None; begin() and install() install it.
    `slot` is given by a runner that holds guest_lock() and has several guests at a time.
    """

    def __init__(self, disk=None, deb=None, slot=None):
        self.deb = deb
        self._stack = contextlib.ExitStack()
        self._base = disk or image.ensure()
        self._directory = self._stack.enter_context(cache.guest_directory(slot))
        self._disk = Disk(self._base, self._directory)
        self._plugs = plugs.Plugs(self._directory)
        self._machine = None
        self._topology = None
        self._firmware = []
        self._boot_id = None
        self._saved = {}
        self._cuts = {}
        self._snapshots = []  # of the cache, that this guest has come from
        self.restarts = 0  # boots repeated because the emulator crashed
        self.boots = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    # --- power ---------------------------------------------------------------------------

    def start(self, name="article", until="running", uefi=False):
        """Switch the machine on with that topology; the seconds it took.

        With uefi the firmware is UEFI from now on, and its variables are kept; the image of
        the bench has no boot loader for that.

        until="running" waits for the end of the boot, until="agent" only for the first
        sign of life, which comes early in it.
        """
        if self._machine:
            raise BenchError("the guest is on already")
        self._topology = topology.load(name)
        self._firmware = self._uefi_arguments() if uefi else []
        return self._boot(until)

    def begin(self, name="article", kind=INSTALLED):
        """Be the machine of that topology as it was when it had just booted ("booted"), or when the package of this run
        was installed, too ("installed"); the seconds it took. What was on the disk is gone.

        The state comes from the cache, and is made and put there when nobody was in it yet.
        """
        began = time.monotonic()
        if kind == INSTALLED and self.deb is None:
            raise BenchError("this needs the hostsplit package: give it with --deb")
        self.new_disk()
        snapshot = Snapshot(kind, topology.load(name), self.deb)
        with snapshot.locked():
            if not snapshot.there():
                keeping.make(self, snapshot, name)
        self._snapshots.append(snapshot)
        self._topology, self._firmware = topology.load(name), []
        self._disk.adopt(snapshot.disk)
        self._power_on(*keeping.arguments(snapshot.state))
        keeping.resume(self)
        self._boot_id = self._read_boot_id()
        return time.monotonic() - began

    def reboot(self, until="running"):
        """Reboot in an orderly way; the seconds from the request to the end of the boot."""
        began = time.monotonic()
        # The reset ends this QEMU and a new one starts: only so can a spoiled boot be undone.
        self._on().qmp.command("set-action", reboot="shutdown")
        self._go_down("reboot")
        down = time.monotonic() - began
        return down + self._boot(until)

    def power_off(self):
        """Shut down in an orderly way. start() may follow, with another topology."""
        self._go_down("poweroff")

    def power_cut(self, until="running", name=None):
        """Pull the plug and switch on again, with another topology if it is named; the seconds of the boot.

        What the guest had flushed to its disk is there, other writes may be lost.
        """
        self._pull_plug()
        if name:
            self._topology = topology.load(name)
        return self._boot(until)

    def flicker(self, seconds, name=None):
        """Pull the plug, switch on for so long, with another topology if it is named, and pull it again."""
        self._pull_plug()
        if name:
            self._topology = topology.load(name)
        self._disk.push()
        self._power_on()
        time.sleep(seconds)
        self._pull_plug()

    def note_cut(self, name):
        """Keep the disk as a power cut at this moment would leave it, for power_cut_at(); the guest goes on."""
        with self._on().standing_still():
            self._disk.copy_top(self._directory / f"cut-{name}.qcow2")
        self._cuts[name] = self._disk.mark()

    def power_cut_at(self, name, until="running"):
        """Pull the plug, and switch on with the disk of that moment; the seconds of the boot. Once for each moment."""
        self._pull_plug()
        self._disk.put_back(self._cuts.pop(name), self._directory / f"cut-{name}.qcow2")
        return self._boot(until)

    def stop(self):
        """Pull the plug and remove everything of this guest."""
        self._pull_plug()
        self._stack.close()

    def forget_snapshots(self):
        """The snapshots this guest has come from are made anew next time: a crash may have begun in them."""
        for snapshot in self._snapshots:
            snapshot.forget()

    def wait_running(self, timeout=_BOOT_LIMIT):
        """Wait for the end of the boot; what systemd says then: running, degraded, ..."""
        said = self.run(["systemctl", "is-system-running", "--wait"], timeout, check=False)
        return said.out.strip()

    def wait_reboot(self, timeout=_BOOT_LIMIT):
        """Wait for the end of a reboot that a command or a panic in the guest has caused."""
        deadline = time.monotonic() + timeout
        while True:
            self._on().agent.sync(max(1, deadline - time.monotonic()))
            boot_id = self._read_boot_id()
            if boot_id != self._boot_id:
                self._boot_id = boot_id
                return self.wait_running(max(1, deadline - time.monotonic()))
            time.sleep(0.5)

    # --- commands and files --------------------------------------------------------------

    def run(self, command, timeout=120, check=True, input=None):
        """Run a shell line (str) or a program (list) as root; its Result.

        With check, an exit code other than 0 raises CommandFailed. A command that exceeds
        the timeout is killed and GuestTimeout raised. The command must not leave anything
        behind that keeps its output open: see spawn().
        """
        argv = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
        agent = self._on().agent
        pid = agent.start(argv, input)
        result = agent.wait(pid, timeout)
        if result is None:
            agent.start(["/bin/kill", "-KILL", str(pid)])
            raise GuestTimeout(f"{command!r} takes more than {timeout} s")
        if check and result.rc != 0:
            raise CommandFailed(command, result)
        return result

    def timed(self, line, timeout=120, check=True):
        """Run a shell line (bash); (Result, seconds it took as measured in the guest)."""
        result = self.run(["/bin/bash", "-c", _TIMER, "bash", line], timeout, check)
        err, _, seconds = result.err.rstrip("\n").rpartition("\n")
        return type(result)(result.rc, result.out, err), float(seconds)

    def spawn(self, command, name):
        """Start a command in the background; a Job. No two may run under one name."""
        return Job(self, command, name)

    def put(self, local, remote):
        """Copy a file into the guest."""
        with open(local, "rb") as file:
            self._on().agent.write_file(remote, file.read())

    def put_text(self, remote, text, mode="644"):
        """Write a text file in the guest."""
        self.put_bytes(remote, text.encode(), mode)

    def put_bytes(self, remote, data, mode="644"):
        """Write a file in the guest."""
        self._on().agent.write_file(remote, data)
        self.run(["chmod", mode, remote])

    def get(self, remote):
        """The content of a file in the guest, as bytes."""
        return self._on().agent.read_file(remote)

    def install(self):
        """Install the package of this run with apt, as a user would."""
        if self.deb is None:
            raise BenchError("this needs the hostsplit package: give it with --deb")
        return self._install(self.deb)

    def install_beside(self, package):
        """Install the newest build of another package that lies beside the one of this run."""
        found = self.deb.parent.glob(f"{package}_*.deb") if self.deb else ()
        newest = max(found, key=lambda path: path.stat().st_mtime, default=None)
        if newest is None:
            raise BenchError(f"no {package}_*.deb beside {self.deb}")
        return self._install(newest)

    # --- plugs ---------------------------------------------------------------------------

    def plug(self, controller, port, serial, size="64M", **properties):
        """Plug a USB stick into a port: "2", or "2.1" behind a hub in port 2.

        It runs at SuperSpeed where the port has a USB3 side (port number <= p3 of the
        controller), else at high speed, behind a hub at full speed. A serial that was
        plugged before is the same stick, with its content. More properties are QEMU's.
        """
        self._plugs.add_stick(self._on().qmp, controller, port, serial, size, properties)

    def disk_of(self, serial):
        """The path of a stick's disk, as soon as udev has given it a name; empty after a minute without one."""
        return eventually(lambda: self.run(f"ls /dev/disk/by-id/usb-*{serial}*0:0", check=False).out.strip(), 60)

    def unplug(self, name):
        """Unplug a stick (by serial) or another device (by id), and all that hangs on it."""
        stick = plugs.stick_id(name)
        self._plugs.remove(self._on().qmp, stick if stick in self._plugs.ids() else name)

    def plug_hub(self, controller, port):
        """Plug a hub with 8 ports; its id."""
        return self._plug_usb("usb-hub", "hub", controller, port)

    def plug_kbd(self, controller, port):
        """Plug a keyboard; its id."""
        return self._plug_usb("usb-kbd", "kbd", controller, port)

    def plug_mouse(self, controller, port):
        """Plug a mouse; its id."""
        return self._plug_usb("usb-mouse", "mouse", controller, port)

    def plugged(self):
        """The ids of all that is plugged."""
        return self._plugs.ids()

    def device_add(self, driver, id, **properties):
        """Plug any QEMU device, for instance a card into an empty root port."""
        self._plugs.add(self._on().qmp, {"driver": driver, "id": id, **properties})

    def device_del(self, id):
        """Unplug what device_add() plugged; returns when the guest has let it go."""
        self._plugs.remove(self._on().qmp, id)

    def network(self):
        """Give the network card its address in QEMU's user network. Returns the address."""
        self.run("for card in /sys/class/net/*; do [ -e $card/device ] || continue; ip link set ${card##*/} up; "
                 f"ip addr replace {_ADDRESS}/24 dev ${{card##*/}}; done")
        return _ADDRESS

    def forward(self, port):
        """Let this machine reach that TCP port of network() as a port of its own 127.0.0.1."""
        self._on().qmp.monitor(f"hostfwd_add net tcp:127.0.0.1:{port}-{_ADDRESS}:{port}")

    def _plug_usb(self, driver, kind, controller, port):
        identity = f"{kind}-{controller}-{port}"
        self.device_add(driver, identity, bus=f"{controller}.0", port=str(port))
        return identity

    # --- snapshots and records -----------------------------------------------------------

    def savevm(self, name):
        """Keep the running machine as it is now, memory, disks and plugs included."""
        self._on().qmp.monitor(f"savevm {name}")
        self._saved[name] = (self._disk.mark(), self._topology, self._plugs.state(), self._boot_id)

    def loadvm(self, name):
        """Go back to that moment, whatever has happened since; only the clock shows the time of now."""
        height, self._topology, state, self._boot_id = self._saved[name]
        self._pull_plug()
        self._disk.cut(height)
        self._plugs.restore(state)
        self._power_on("-loadvm", name)
        self._machine.agent.sync(_BOOT_LIMIT)
        keeping.set_clock(self)

    def save_disk(self, path):
        """Write the disk of a guest that is off to a file that Guest(disk=...) takes."""
        if self._machine:
            raise BenchError("the guest is on: its disk cannot be saved")
        self._disk.save(path)

    def give_disk(self, path):
        """Switch off, and move what was written since the image was left to a file that Disk.adopt() takes."""
        self._pull_plug()
        self._disk.give(path)

    def new_disk(self):
        """Switch off and begin with the image again, and with nothing plugged."""
        self._pull_plug()
        self._plugs.restore({})
        self._disk.cut(0)

    def save_records(self, directory):
        """Save console, journal and kernel log as far as they can be had."""
        directory.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(self._directory / "console.log", directory / "console.log")
        for file, command in (("journal.txt", "journalctl --no-pager -b all -o short-monotonic"),
                              ("dmesg.txt", "dmesg")):
            with contextlib.suppress(BenchError):
                (directory / file).write_text(self.run(command).out)

    def shell_socket(self):
        """A socket on which a root shell of the guest talks (a terminal, hvc0)."""
        return self._on().shell

    @property
    def machine(self):
        """The QEMU process, while the guest is on."""
        return self._on()

    # --- below ---------------------------------------------------------------------------

    def _install(self, deb):
        remote = f"/root/{deb.name}"
        self.put(deb, remote)
        return self.run(f"DEBIAN_FRONTEND=noninteractive apt-get install -y {remote}",
                        _INSTALL_LIMIT)

    def _on(self):
        if not self._machine:
            raise BenchError("the guest is off")
        return self._machine

    def _boot(self, until):
        for left in reversed(range(1 + _RESTARTS)):
            began = time.monotonic()
            self.boots += 1
            self._disk.push()
            try:
                self._power_on()
                self._machine.agent.sync(_BOOT_LIMIT)
                self._boot_id = self._read_boot_id()
                if until == "running":
                    self.wait_running()
                return time.monotonic() - began
            except GuestCrashed as crash:
                self._pull_plug()
                self._disk.pop()
                if not left:
                    raise
                self.restarts += 1
                print(f"bench: restart {self.restarts} of the guest: {crash}", flush=True)
        raise AssertionError("unreachable")

    def _power_on(self, *extra):
        arguments = [*self._firmware, *self._topology.arguments(), *self._plugs.arguments()]
        self._machine = Machine(self._disk.top, self._directory / "console.log", arguments, extra, self._topology.node_memory)

    def _uefi_arguments(self):
        variables = self._directory / "uefi-variables.fd"
        if not variables.exists():
            shutil.copyfile(_UEFI / "OVMF_VARS_4M.fd", variables)
        return ["-drive", f"if=pflash,format=raw,readonly=on,file={_UEFI / 'OVMF_CODE_4M.fd'}",
                "-drive", f"if=pflash,format=raw,file={variables}"]

    def _go_down(self, verb):
        machine = self._on()
        machine.agent.start(["/bin/systemctl", verb])
        machine.wait_end(_SHUTDOWN_LIMIT)
        self._machine = None

    def _pull_plug(self):
        if self._machine:
            self._machine.kill()
            self._machine = None

    def _read_boot_id(self):
        return self.get("/proc/sys/kernel/random/boot_id").decode().strip()
