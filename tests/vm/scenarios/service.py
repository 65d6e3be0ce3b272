"""The service: who may do what, nonsense on the bus, kills and missing neighbours, a write the kernel never answers."""

import contextlib
import re
import time

from bench import eventually
from bench.article import BOTH, X0, X2, X3
from bench.product import BUS, PORTS, Product, main_pid

TOPOLOGY = "article"
SUBJECTS = ("agent/service/", "systemd/", "config/")
SECONDS = 260
MEMORY = 2
SECOND = f'[vm.102]\ncontrollers = ["{X2}"]\n'

LOOKS = ["Describe", "Plan", "Preview sasb apply 0 false", "ListControllers", "ListPorts", "ListPools", "ListFindings"]
# In forms that change nothing even where they are allowed: an old token, a label nobody knows.
CHANGES = ["Apply s 0", "Undo s 0", "Take ass 1 nowhere 0", "Release ass 1 nowhere 0",
           "Cancel u 999999", "RenamePort ss nowhere somewhere", "ForgetPort s nowhere",
           "Learn as 1 later", "StopLearning", "Reload"]

# One call after the other, a line for each: what was called, and how it went.
CALLER = f"""#!/bin/sh
while read -r call; do
  said=$(busctl --allow-interactive-authorization=no --timeout=60 call {BUS} $call 2>&1 >/dev/null) && said=done
  echo "${{call%% *}}: $said"
done </usr/local/share/calls
"""

RULE = """polkit.addRule(function(action, subject) {
  if (action.id.indexOf("org.hostsplit.") == 0 && subject.user == "alice") return polkit.Result.YES;
});
"""


def run(bench, check):
    product = Product(bench)
    bench.install_beside("hostsplit-measure")
    with heard(bench, check, "LearnProgress", "PortChanged", "JobProgress", "JobFinished"):
        security(bench, check)
        learn(bench, check, product)
        authorization(bench, check, product)
        nonsense(bench, check)
        split(bench, check, product)
    resilience(bench, check, product)
    storage(bench, check, product)
    with heard(bench, check, "DriftRepaired", "FindingRaised"):
        stuck(bench, check, product)


@contextlib.contextmanager
def heard(bench, check, *signals):
    """Each of these signals must be heard meanwhile."""
    name = f"hears-{signals[0].lower()}"
    job = bench.spawn("busctl monitor --match \"type='signal',interface='org.hostsplit.Manager1'\"", name)
    yield
    output = job.output()
    for signal in signals:
        check(f"signal {signal} was heard", f"Member={signal}" in output)
    job.signal("KILL")


def security(bench, check):
    said = bench.run("systemd-analyze security --no-pager hostsplitd.service").out
    exposure = float(re.search(r"Overall exposure level for hostsplitd.service: ([0-9.]+)", said)[1])
    print(f"     systemd-analyze security hostsplitd: {exposure}", flush=True)
    check("exposure is at most 2.0", exposure <= 2.0, said)


def learn(bench, check, product):
    bench.run(f"busctl call {BUS} Learn as 1 front-1")
    bench.plug("x1", "1", "SUPER1")
    check("a port is learned over the bus", eventually(lambda: "front-1" in product.ports(), 60), product.ports())
    learning = bench.run(f"busctl get-property {BUS} Learning").out
    check("and learning ends by itself", "false" in learning, learning)
    check("with a record", bool(product.journal(event="learn", port="front-1")))


# --- who may -----------------------------------------------------------------------------------------------------------


def verdicts(bench, prefix):
    """How each method went for a caller: done, refused, or what was said."""
    out = bench.run(f"{prefix} /usr/local/bin/calls", 300).out
    result = {}
    for line in out.splitlines():
        method, _, said = line.partition(": ")
        # busctl has words of its own for a plain refusal.
        refused = "a password is needed" in said or said == "Call failed: Access denied"
        reached = said == "done" or "no port has that label" in said
        result[method] = "refused" if refused else "done" if reached else said
    return result


def in_session(user):
    """A login of that user, with a session of logind."""
    return f"systemd-run --quiet --wait --pipe --collect -p PAMName=login -p User={user}"


def authorization(bench, check, product):
    bench.run("useradd -m -s /bin/bash -G sudo alice; useradd -m -s /bin/bash bob; echo alice:secret | chpasswd")
    bench.put_text("/usr/local/share/calls", "\n".join(LOOKS + CHANGES) + "\n")
    bench.put_text("/usr/local/bin/calls", CALLER, "755")
    looks, changes = [c.split()[0] for c in LOOKS], [c.split()[0] for c in CHANGES]
    open_to_all = dict.fromkeys(looks, "done")
    for who, prefix, expected in (
            ("root", "", "done"),
            ("an administrator without a password", in_session("alice"), "refused"),
            ("a plain user", in_session("bob"), "refused"),
            ("nobody's session", "setpriv --reuid=2 --regid=2 --clear-groups", "refused")):
        found = verdicts(bench, prefix)
        wrong = {m: v for m, v in found.items() if v != {**open_to_all, **dict.fromkeys(changes, expected)}.get(m)}
        check(f"{who}: {len(found)} methods, looks done, changes {expected}",
              len(found) == len(looks + changes) and not wrong, wrong)
    bench.put_text("/etc/polkit-1/rules.d/10-bench.rules", RULE)
    found = eventually(lambda: (v := verdicts(bench, in_session("alice"))).get("Reload") == "done" and v, 30)
    check("an administrator polkit lets: everything is done", found and set(found.values()) == {"done"}, found)
    check("and a plain user still is refused", verdicts(bench, in_session("bob")).get("Apply") == "refused")
    bench.run("rm /etc/polkit-1/rules.d/10-bench.rules")
    password(bench, check, product)
    without_polkit(bench, check)


def password(bench, check, product):
    """An administrator types a password on a terminal: the command line brings polkit's agent."""
    typing = ("(until grep -Eq 'Password|hostsplit:' /root/typed; do sleep 0.2; done; echo secret; "
              "until grep -Eq 'is called|hostsplit:' /root/typed; do sleep 0.2; done)")
    rename = "su --login --session-command='/usr/sbin/hostsplit ports rename front-1 front-2' alice"
    bench.run("rm -f /root/typed; touch /root/typed")
    bench.run(f"{typing} | timeout --foreground 60 script -qefc \"{rename}\" /root/typed", 90, check=False)
    said = bench.run("cat /root/typed").out
    check("an administrator's password on the terminal is enough to rename a port", "front-2" in product.ports(), said)
    check("and the record says so", bool(product.journal(event="rename", port="front-1", result="done")))


def without_polkit(bench, check):
    bench.run("systemctl mask --now --runtime polkit")
    found = verdicts(bench, in_session("alice"))
    check("without polkit nobody but root may", found.get("Apply") == "refused" and found.get("Describe") == "done", found)
    root = bench.run(f"busctl call {BUS} Reload", check=False)
    check("and root still may", root.rc == 0, root)
    bench.run("systemctl unmask --runtime polkit")


def nonsense(bench, check):
    pid = main_pid(bench)
    out = bench.run("/usr/libexec/hostsplit/hostsplit-bus-fuzz 1500 1; setpriv --reuid=2 --regid=2 --clear-groups "
                    "/usr/libexec/hostsplit/hostsplit-bus-fuzz 300 2", 300).out
    print("     1800 calls of nonsense: " + "; ".join(out.split("\n")), flush=True)
    check("the service outlives nonsense on the bus", main_pid(bench) == pid and describes(bench), out)
    bench.run(f"busctl call {BUS} StopLearning", check=False)


# --- through the service -----------------------------------------------------------------------------------------------


def split(bench, check, product):
    product.configure(BOTH)
    over = product.run("apply </dev/null")
    bench.run("systemctl stop hostsplitd")
    direct = product.run("apply </dev/null")
    bench.run("systemctl start hostsplitd")
    check("plan and exit code are the same with and without the service", over == direct, (over, direct))
    bench.put_text("/etc/polkit-1/rules.d/10-bench.rules", RULE)
    eventually(lambda: verdicts(bench, in_session("alice")).get("Reload") == "done", 30)
    applied = bench.run(f"{in_session('alice')} hostsplit apply --yes", 300, check=False)
    check("an administrator who is not root can apply", applied.rc == 0 and "done" in applied.out, applied)
    check("and the controllers are where they belong", assigned(product), product.drivers())
    again = product.run("apply --yes")
    check("a second apply has nothing to do", again.rc == 0 and "Nothing to do" in again.out, again)


def assigned(product):
    drivers = product.drivers()
    return [drivers[a] for a in (X0, X2, X3)] == ["vfio-pci"] * 3


def describes(bench):
    return bench.run(f"busctl --timeout=5 call {BUS} Describe", check=False).rc == 0


def works(bench, check, product, after):
    """The service answers, knows what was learned, and repairs a drift."""
    answers = eventually(lambda: describes(bench), 60)
    check(f"{after}: the service answers", answers, bench.run("systemctl status hostsplitd", check=False).out)
    check(f"{after}: nothing learned is lost", len(product.ports()) == 1, product.ports())
    product.bind_by_hand(X0)
    check(f"{after}: it repairs a drift", eventually(lambda: assigned(product), 60), product.drivers())
    bench.run("systemctl reset-failed hostsplitd")


def resilience(bench, check, product):
    bench.run("systemctl kill --signal=KILL hostsplitd")
    works(bench, check, product, "kill -9")

    bench.run("systemctl kill --signal=KILL 'hostsplit-work@*'", check=False)
    works(bench, check, product, "kill -9 of the worker")

    bench.run("mkdir -p /run/systemd/system/hostsplitd.service.d; "
              "printf '[Service]\\nWatchdogSec=4\\n' > /run/systemd/system/hostsplitd.service.d/bench.conf; "
              "systemctl daemon-reload; systemctl restart hostsplitd")
    pid = main_pid(bench)
    bench.run(f"kill -STOP {pid}")
    check("the watchdog ends a service that hangs", eventually(lambda: main_pid(bench) not in (pid, "0"), 60))
    bench.run("rm -r /run/systemd/system/hostsplitd.service.d; systemctl daemon-reload; systemctl restart hostsplitd")
    works(bench, check, product, "watchdog kill")

    pid = main_pid(bench)
    bench.run(f"echo 1000 > /proc/{pid}/oom_score_adj; echo f > /proc/sysrq-trigger")
    check("out of memory: the service is ended", eventually(lambda: main_pid(bench) not in (pid, "0"), 60))
    works(bench, check, product, "out of memory")

    for unit in ("dbus", "systemd-udevd", "systemd-journald"):
        bench.run(f"systemctl restart {unit}")
        works(bench, check, product, f"{unit} restarted")
    check("and the journal has the last repair", len(product.journal(event="drift", controller=X0)) > 0)

    bench.run("date -s '+2 hours'")
    works(bench, check, product, "clock two hours ahead")
    bench.run("date -s '-2 hours'")
    works(bench, check, product, "clock two hours back")


def storage(bench, check, product):
    """/var/lib/hostsplit full, then read-only: what was learned stays, what was applied is kept."""
    bench.run("systemctl stop hostsplitd; cp -a /var/lib/hostsplit /root/kept; "
              "mount -t tmpfs -o size=64k none /var/lib/hostsplit; cp -a /root/kept/. /var/lib/hostsplit/; "
              "head -c 1M /dev/zero > /var/lib/hostsplit/filler; systemctl start hostsplitd", check=False)
    before, label = bench.get(PORTS), next(iter(product.ports()), "none")
    renamed = product.run(f"ports rename {label} front-3")
    check("disk full: a rename fails with a reason", renamed.rc == 1 and "No space left" in renamed.err, renamed)
    works(bench, check, product, "disk full")
    bench.run("rm /var/lib/hostsplit/filler; mount -o remount,ro /var/lib/hostsplit; systemctl restart hostsplitd")
    renamed = product.run(f"ports rename {label} front-3")
    check("read-only: a rename fails with a reason", renamed.rc == 1 and "Read-only" in renamed.err, renamed)
    works(bench, check, product, "read-only")
    check("and not a byte has changed", bench.get(PORTS) == before)
    bench.run("systemctl stop hostsplitd; umount /var/lib/hostsplit; mkdir -p /var/lib/prometheus/node-exporter; "
              "systemctl start hostsplitd")
    metrics = eventually(lambda: bench.run("cat /var/lib/prometheus/node-exporter/hostsplit.prom", check=False).out, 30)
    check("metrics are written where somebody collects them",
          'hostsplit_controllers{kind="actual",driver="vfio-pci"} 3' in metrics, metrics)


# --- a write the kernel never answers ------------------------------------------------------------------------------------


def stuck(bench, check, product):
    group = bench.run(f"basename $(readlink /sys/bus/pci/devices/{X0}/iommu_group)").out.strip()
    vm = bench.spawn("exec qemu-system-x86_64 -nodefaults -display none -machine q35 -accel tcg -S -m 64 "
                     f"-device vfio-pci,host={X0}", "vm101")
    held = eventually(lambda: product.controllers()[X0]["holders"], 60)
    # The open file follows its name: under another one the guard does not recognise it, and the VM stays unseen.
    bench.run(f"mv /dev/vfio/{group} /dev/held")
    check("a VM holds the controller, and the guard has been blinded", held and not product.controllers()[X0]["holders"])
    product.configure(SECOND)
    restarts = bench.run("systemctl show -P NRestarts hostsplitd").out
    job = bench.spawn("hostsplit apply --yes", "apply-stuck")
    slowest, answers = 0.0, 0
    while (code := job.rc()) is None and answers < 200:
        result, seconds = bench.timed(f"busctl --timeout=30 call {BUS} Describe >/dev/null", check=False)
        slowest, answers = max(slowest, seconds), answers + (result.rc == 0)
    print(f"     while the kernel did not answer: {answers} answers, the slowest after {slowest:.2f} s", flush=True)
    check("the service answers within a second throughout", answers >= 5 and slowest < 1.0, f"{answers}, {slowest:.2f} s")
    check("apply fails and names the stuck process", code == 1 and "is stuck in it" in job.output(), job.output())
    found = [f for f in product.json("status")["findings"] if f["code"] == "function-stuck"]
    check("status says which function is left alone", len(found) == 1 and found[0]["subject"] == X0, found)
    record = product.journal(event="stuck", controller=X0)
    check("the record has the kernel's stack", len(record) == 1 and "vfio_unregister_group_dev" in record[0]["MESSAGE"],
          record)

    product.bind_by_hand(X2)
    check("everything else goes on: another drift is repaired",
          eventually(lambda: product.drivers()[X2] == "vfio-pci", 60), product.drivers())
    stop = bench.timed("systemctl stop hostsplitd")[1]
    check("the service stops at once", stop < 3, f"{stop:.1f} s")
    bench.run("systemctl start hostsplitd")
    bench.run("systemctl reload hostsplitd")
    time.sleep(3)
    children = bench.run("grep -l vfio_unregister_group_dev /proc/[0-9]*/stack 2>/dev/null | wc -l").out.strip()
    check("after a restart and a reload no second process is stuck", children == "1", children)
    check("and the watchdog has not intervened", bench.run("systemctl show -P NRestarts hostsplitd").out == restarts)

    vm.signal("KILL")
    ended = eventually(lambda: any("has ended" in f["message"] for f in product.json("status")["findings"]), 60)
    check("when the VM is gone, status says the function may be tried again", ended, product.json("status")["findings"])
    bench.run("systemctl reload hostsplitd")
    applied = product.run("apply --yes")
    check("then apply gives it back", applied.rc == 0 and product.drivers()[X0] == "xhci_hcd", applied)
