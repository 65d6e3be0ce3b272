"""What scenarios ask of hostsplit in the guest: verbs, JSON, journal, and sysfs to compare with."""

import json
import textwrap

CONFIG = "/etc/hostsplit/hostsplit.toml"
PORTS = "/var/lib/hostsplit/ports.toml"
BUS = "org.hostsplit /org/hostsplit org.hostsplit.Manager1"

# All of /etc that undo must bring back: content, links, modes and owners.
_ETC = ("find /etc -type f ! -name ld.so.cache -print0 | sort -z | xargs -0 sha256sum; "
        "find /etc -type l -printf '%p %l\\n' | sort; "
        "find /etc -printf '%p %m %u %g\\n' | grep -v '^/etc/hostsplit/boot ' | sort")

_SYSFS = r"""
for d in /sys/bus/pci/devices/*; do
  case $(cat $d/class) in 0x0c03*) ;; *) continue ;; esac
  echo "${d##*/} $(basename "$(readlink $d/driver)") $(cat $d/driver_override)"
done
for p in /sys/devices/system/node/node*/hugepages/hugepages-1048576kB; do
  echo "${p%/hugepages/*} $(cat $p/nr_hugepages)"
done
"""


def main_pid(bench):
    """The process of hostsplitd, as systemd has it; "0" when there is none."""
    return bench.run("systemctl show -P MainPID hostsplitd").out.strip()


class Product:
    """hostsplit as installed in a guest."""

    def __init__(self, bench):
        self.bench = bench

    def run(self, arguments, timeout=180):
        """Run a verb; its Result, whatever the exit code."""
        return self.bench.run(f"hostsplit {arguments}", timeout, check=False)

    def json(self, arguments):
        """Run a looking verb with --json; the parsed document."""
        result = self.run(f"{arguments} --json")
        return json.loads(result.out)

    def configure(self, text, boot="service"):
        """Write hostsplit.toml; the version line is added, and an [enforce] with this boot unless the text has one. Not
        "initramfs" by default: that takes a minute each time."""
        self.bench.run("mkdir -p /etc/hostsplit")
        text = textwrap.dedent(text)
        if "[enforce]" not in text:
            text += f'\n[enforce]\nboot = "{boot}"\n'
        self.bench.put_text(CONFIG, "version = 1\n" + text)

    def controllers(self):
        """Controllers by address, from status."""
        return {c["address"]: c for c in self.json("status")["controllers"]}

    def ports(self):
        """Named ports by label, from status."""
        return {p["label"]: p for p in self.json("status")["ports"] if p["label"]}

    def sysfs(self):
        """Driver and override of every USB controller and the 1 GiB pages of every node, read without hostsplit."""
        return self.bench.run(_SYSFS).out

    def drivers(self):
        """Driver by address of every USB controller, as lspci sees them."""
        drivers, address = {}, None
        for line in self.bench.run("lspci -Dnnk -d ::0c03").out.splitlines():
            if not line.startswith("\t"):
                address = line.split()[0]
                drivers[address] = None
            elif "Kernel driver in use:" in line:
                drivers[address] = line.rpartition(": ")[2]
        return drivers

    def etc(self):
        """A line for everything in /etc, to be compared before and after."""
        return self.bench.run(_ETC).out.splitlines()

    def undo(self, check, etc):
        """Undo, and check that /etc is again what etc() said then; a configuration written since is its writer's to remove."""
        undone = self.run("undo --yes", 900)
        check("undo succeeds", undone.rc == 0, undone)
        if not any(CONFIG in line for line in etc):
            self.bench.run(f"rm -f {CONFIG}")
        changed = sorted(set(self.etc()) ^ set(etc))
        check("/etc is byte for byte as before", not changed, changed)

    def image(self):
        """The names in the initramfs of the running kernel, sorted."""
        return self.bench.run("lsinitramfs /boot/initrd.img-$(uname -r) | sort").out.splitlines()

    def kernel_log(self, what):
        """Lines of the kernel log of this boot that contain it."""
        return self.bench.run(f"dmesg | grep -F '{what}'", check=False).out.splitlines()

    def findings(self):
        """Findings of status by code; of several with one code the last."""
        return {f["code"]: f for f in self.json("status")["findings"]}

    def bind_by_hand(self, address):
        """Bind a function to the driver the kernel would choose, as somebody who knows nothing of hostsplit might; the
        Result has that driver."""
        return self.bench.run(f"cd /sys/bus/pci/devices/{address}; echo > driver_override; echo {address} > driver/unbind; "
                              f"echo {address} > /sys/bus/pci/drivers_probe; readlink driver", check=False)

    def pages(self, node):
        """1 GiB pages of a node, read without hostsplit."""
        path = f"/sys/devices/system/node/node{node}/hugepages/hugepages-1048576kB/nr_hugepages"
        return int(self.bench.run(f"cat {path}").out)

    def journal(self, **fields):
        """hostsplit's journal entries of this boot with these fields (controller="0000:01:00.0")."""
        matches = " ".join(f"HOSTSPLIT_{name.upper()}={value}" for name, value in fields.items())
        out = self.bench.run(f"journalctl -b -t hostsplit -o json --no-pager {matches}", check=False).out
        return [json.loads(line) for line in out.splitlines() if line.startswith("{")]
