"""One QEMU process: its command line, its sockets, its end."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time

from .agent import Agent
from .console import Console
from .errors import BenchError, GuestCrashed
from .qmp import Qmp

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)
_FAULTS = {-signal.SIGSEGV, -signal.SIGBUS, -signal.SIGABRT, -signal.SIGILL, -signal.SIGFPE}

# q35, four processors on two NUMA nodes. A
# node needs 8 GiB to have gigabyte pages to give at run time; memory is taken when touched.
# TCG on purpose: KVM is not to be had everywhere, and the same machine everywhere is worth
# more than speed. -cpu max brings gigabyte pages and, in the guest, a working /dev/kvm. Without erms and
# fsrm the guest does not clear and copy memory by string instructions, which TCG does byte after byte.
_HARDWARE = """
    -machine q35,usb=off -accel tcg,thread=multi,tb-size=512 -cpu max,erms=off,fsrm=off
    -smp 4,sockets=1,cores=4,threads=1
    -numa node,nodeid=0,cpus=0-1,memdev=m0 -numa node,nodeid=1,cpus=2-3,memdev=m1
    -numa dist,src=0,dst=1,val=12
    -nodefaults -display none
    -device virtio-serial-pci,bus=pcie.0,addr=0x1e
    -device virtserialport,chardev=agent,name=org.qemu.guest_agent.0
    -device virtconsole,chardev=shell
    -netdev user,id=net
""".split()


class Machine:
    """A running QEMU with `disk` (qcow2) as drive "root" and the given devices.

    `qmp` and `agent` are its two controls, `shell` is a socket with a console of the guest
    (hvc0). The serial console is appended to `log`. The process dies with this one, however
    this one dies. `node_memory`: MiB of each of the two nodes.
    """

    def __init__(self, disk, log, devices=(), extra=(), node_memory=8192):
        self.console = Console(log)
        ours, theirs = zip(*(socket.socketpair() for _ in range(3)))
        self.shell = ours[2]
        self._errors = log.with_name("qemu.log")
        argv = ["qemu-system-x86_64", *_sockets(theirs), *_memory(node_memory), *_HARDWARE, *_disk(disk),
                "-serial", "chardev:serial",
                "-chardev", f"file,id=serial,path={log},append=on", *devices, *extra]
        with open(self._errors, "wb") as errors:
            self._process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
                pass_fds=[sock.fileno() for sock in theirs], preexec_fn=_die_with_parent)
        for sock in theirs:
            sock.close()
        self._sockets = ours
        self.qmp = Qmp(ours[0], self.watch)
        self.agent = Agent(ours[1], self.watch, self.console.silence)
        try:
            self.qmp.handshake()
        except BaseException:
            self.kill()
            raise

    def watch(self):
        """Raise GuestCrashed or BenchError when the guest is not well."""
        self.console.check()
        self._check_emulator()
        if self._process.poll() is not None:
            raise BenchError(f"QEMU ended with {self._process.returncode}\n"
                             f"{self._errors.read_text(errors='replace')}{self.console.tail()}")

    def wait_end(self, timeout):
        """Wait until QEMU ends by itself because the guest powers off."""
        deadline = time.monotonic() + timeout
        while self._process.poll() is None:
            self.console.check()
            if time.monotonic() > deadline:
                raise self.console.silence(f"the guest does not go down within {timeout} s")
            time.sleep(0.1)
        self._check_emulator()
        self.kill()

    @contextlib.contextmanager
    def standing_still(self):
        """The process does nothing inside the block; nothing is flushed that would not have been."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOWAIT)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def _check_emulator(self):
        """Raise GuestCrashed when QEMU itself died of a fault: no guest may bring that about."""
        if (died := self._process.poll()) in _FAULTS:
            raise GuestCrashed(f"the emulator died of {signal.Signals(-died).name}")

    def kill(self):
        """End QEMU at once, as if the plug were pulled; what the guest flushed is on the disk."""
        self._process.kill()
        self._process.wait()
        for sock in self._sockets:
            sock.close()


def _memory(each):
    backends = [word for id in ("m0", "m1") for word in ("-object", f"memory-backend-ram,id={id},size={each}M")]
    return ["-m", f"{2 * each}M", *backends]


def _sockets(ends):
    qmp, agent, shell = (sock.fileno() for sock in ends)
    return ["-chardev", f"socket,id=qmp,fd={qmp}", "-mon", "chardev=qmp,mode=control",
            "-chardev", f"socket,id=agent,fd={agent}",
            "-chardev", f"socket,id=shell,fd={shell}"]


def _disk(path):
    # Write-back with flushes passed on: what the guest synced survives kill(), the rest need not.
    return ["-blockdev", f"driver=qcow2,node-name=root,discard=unmap,"
            f"cache.direct=off,cache.no-flush=off,file.driver=file,file.filename={path}"]


def _die_with_parent():
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
