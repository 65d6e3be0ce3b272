"""A snapshot of a split host, taken in the guest and looked at outside of it: what status, doctor and plan say of it is what they
say on the host, but for what only a live machine has; and nothing of what nobody else is to know is in it."""

import json
import re
import subprocess
import tempfile
from pathlib import Path

from bench.article import BOTH
from bench.product import Product

TOPOLOGY = "article"
SUBJECTS = ("agent/host/recording/", "agent/core/recording/", "agent/formats/recording/", "agent/operations/record")
SECONDS = 150
MEMORY = 2

LIMIT = 200 * 1024
# Known to the service alone, or true only while somebody looks.
LIVE = ("live", "job", "service", "uptime", "since", "token", "free_kib")
SECRETS = {
    "a host": "kaiserslautern",
    "its domain": "simulation.institute-of-flows.example",
    "the name of a VM": "reactor-geometry",
    "the serial number of a stick": "SECRETSERIAL4711",
    "a hardware address": "52:54:00:ab:cd:e1",
    "an address": "203.0.113.77",
    "a label": "PrivateBackups",
    "a password": "hunter2hunter2",
    "a mail address": "jane.doe@institute-of-flows.example",
    "a comment": "ask-jane-before-touching-this",
}


def run(bench, check):
    product = Product(bench)
    plant(bench)
    product.configure("# ask-jane-before-touching-this\n" + BOTH.replace("[vm.101]", '[vm.101]\nname = "reactor-geometry"'))
    applied = product.run("apply --yes")
    check("apply succeeds", applied.rc == 0, applied)
    bench.run("systemctl stop hostsplitd")
    here = {verb: product.json(verb) for verb in ("status", "doctor", "plan")}
    result, seconds = bench.timed("hostsplit snapshot /root/snapshot.txt", check=False)
    check("snapshot is taken", result.rc == 0, result)
    text = bench.get("/root/snapshot.txt")
    print(f"     {len(text) / 1024:.0f} KiB after {seconds:.1f} s")
    check("it has at most 200 KiB", len(text) <= LIMIT, len(text))
    for what, secret in SECRETS.items():
        found = [line for line in text.decode().splitlines() if secret.lower() in line.lower()]
        check(f"{what} is not in it", not found, found)
    replayed(check, bench.deb, text, here)


def plant(bench):
    """Things that a snapshot must not tell, where hostsplit reads."""
    bench.plug("x1", "1", SECRETS["the serial number of a stick"])
    disk = bench.disk_of(SECRETS["the serial number of a stick"])
    bench.run(f"mkfs.ext4 -q -L {SECRETS['a label']} {disk}; mkdir -p /srv/data /etc/pve/qemu-server; mount {disk} /srv/data; "
              f"hostnamectl set-hostname {SECRETS['a host']}; "
              f"echo '127.0.1.1 kaiserslautern.{SECRETS['its domain']} kaiserslautern' >>/etc/hosts; "
              f"ip link add veth9 type dummy; ip link set veth9 address {SECRETS['a hardware address']} up; "
              f"ip address add {SECRETS['an address']}/24 dev veth9; "
              f"printf '# ask-jane-before-touching-this\\n//{SECRETS['an address']}/share /mnt/share cifs noauto,password={SECRETS['a password']} 0 0\\n' >>/etc/fstab; "
              f"printf '# the passphrase is {SECRETS['a password']}\\nbackup UUID=none /root/backup.key luks,noauto\\n' >>/etc/crypttab")
    bench.put_text("/etc/pve/qemu-server/101.conf",
                   f"#{SECRETS['a mail address']} {SECRETS['a comment']}\nname: {SECRETS['the name of a VM']}\nmemory: 2048\ncores: 2\n"
                   f"net0: virtio={SECRETS['a hardware address'].upper()},bridge=vmbr0\ncipassword: {SECRETS['a password']}\n")


def replayed(check, deb, text, here):
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(["dpkg-deb", "-x", str(deb), directory], check=True)
        file = Path(directory) / "snapshot.txt"
        file.write_bytes(text)
        for verb, live in here.items():
            done = subprocess.run([f"{directory}/usr/sbin/hostsplit", "--root", str(file), verb, "--json"], capture_output=True, text=True)
            check(f"{verb} of the snapshot ends as on the host", done.returncode in (0, 3, 4), done.stderr)
            differs = sorted(differences(plain(live), plain(json.loads(done.stdout))))
            check(f"{verb} outside says what it says on the host", not differs, "\n".join(differs[:40]))


def plain(value):
    """Without what is live only or replaced by its like."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key not in LIVE}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str):
        value = re.sub(r"serial \S+", "serial S", value).replace(SECRETS["the name of a VM"], "guest1").replace("kaiserslautern", "host1")
        return value
    return value


def differences(one, other, path=""):
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            yield from differences(one.get(key), other.get(key), f"{path}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other)):
            yield from differences(left, right, f"{path}[{number}]")
    elif one != other:
        yield f"{path}: {json.dumps(one, ensure_ascii=False)[:200]} / {json.dumps(other, ensure_ascii=False)[:200]}"
