"""How a guest gets into a snapshot and out of it again."""

import time

from .checks import eventually
from .errors import BenchError
from .snapshots import INSTALLED

_MIGRATION_LIMIT = 180
_NODE0_PAGES = 3  # whole gibibytes of node 0 that a guest worth keeping can give; scenarios ask for two
_TRIES = 3


def make(guest, snapshot, name):
    """Bring the guest, which is off and new, to the state of the snapshot and keep that; the guest is off afterwards."""
    began = time.monotonic()
    print(f"     making the snapshot {snapshot.kind} of {name}, once", flush=True)
    if snapshot.kind == INSTALLED:
        guest.begin(name, "booted")
        guest.install()
    else:
        boot_with_room(guest, name)
    rest(guest)
    guest.run("sync")
    with snapshot.making() as directory:
        save(guest.machine, directory / "state")
        guest.give_disk(directory / "disk.qcow2")
    print(f"     it is there after {time.monotonic() - began:.0f} s", flush=True)


def boot_with_room(guest, name):
    """What the kernel scattered over node 0 at boot is another each time, and stays in the snapshot."""
    for left in reversed(range(_TRIES)):
        guest.start(name)
        got = guest.run("cd /sys/devices/system/node/node0/hugepages/hugepages-1048576kB; "
                        f"echo {_NODE0_PAGES} >nr_hugepages; cat nr_hugepages; echo 0 >nr_hugepages", 300).out
        if int(got) >= _NODE0_PAGES or not left:
            return
        print(f"     node 0 gives {got.strip()} of {_NODE0_PAGES} pages: booting again", flush=True)
        guest.new_disk()


def rest(guest, share=0.95, limit=90):
    """Wait until the guest is idle; whether it is. After a boot it goes on for a while."""
    return eventually(lambda: idle_share(guest) > share, limit, 0.5)


def idle_share(guest):
    """The idle part of all processors over some seconds."""
    before, after = ([int(word) for word in line.split()[1:]] for line in
                     guest.run("grep '^cpu ' /proc/stat; sleep 4; grep '^cpu ' /proc/stat").out.splitlines())
    return (after[3] - before[3]) / (sum(after) - sum(before))


def save(machine, path):
    """Write the state of the machine, memory included, to a file. It stands still from then on."""
    qmp = machine.qmp
    qmp.command("stop")
    qmp.command("migrate-set-parameters", **{"max-bandwidth": 1 << 40})
    qmp.command("migrate", uri=f"exec:cat >{path}")
    ended = eventually(lambda: _status(qmp) in ("completed", "failed", "cancelled"), _MIGRATION_LIMIT)
    if not ended or _status(qmp) != "completed":
        raise BenchError(f"the state cannot be saved: {qmp.command('query-migrate')}")


def arguments(path):
    """What QEMU needs to start with the state in that file."""
    return ["-incoming", f"exec:cat {path}"]


def resume(guest):
    """Let a guest that was started with arguments() go on, with the time of now."""
    qmp = guest.machine.qmp
    if not eventually(lambda: qmp.command("query-status")["status"] != "inmigrate", _MIGRATION_LIMIT, 0.05):
        raise BenchError("the saved state is not read")
    qmp.command("cont")
    guest.machine.agent.sync(_MIGRATION_LIMIT)
    set_clock(guest)


def set_clock(guest):
    """The clock of a guest that comes out of a snapshot stands where it stood then."""
    guest.run(f"date -s @{time.time():.3f} >/dev/null")


def _status(qmp):
    return qmp.command("query-migrate").get("status")
