"""Two boots that do not get healthy, and hostsplit is suspended on the third, of which root hears by one mail; a controller lent
to the host and taken back."""

from bench import eventually
from bench.article import BOTH, X0, X1, X2, X3
from bench.product import Product

TOPOLOGY = "article"
SUBJECTS = ("agent/core/boot/", "agent/core/state/", "agent/operations/", "agent/service/reconciler/owner_mail",
            "config/mail/", "systemd/")
SECONDS = 400
MEMORY = 2

BOOTS = "/var/lib/hostsplit/journal/boots"
MAILS = "/var/mail-of-boot"
# In the place of a mail system: keeps what it gets, and how it was called, by boot.
SENDMAIL = rf"""#!/bin/sh
boot={MAILS}-$(cat /proc/sys/kernel/random/boot_id)
mkdir -p "$boot"
mail=$(mktemp "$boot/XXXXXX")
{{ echo "called with $*"; cat; }} >"$mail"
"""


def run(bench, check):
    product = Product(bench)
    product.configure(BOTH, boot="initramfs")
    check("the bench has no mail system of its own", bench.run("test -e /usr/sbin/sendmail", check=False).rc != 0)
    bench.put_text("/usr/sbin/sendmail", SENDMAIL, "755")
    bench.run("sync")
    applied = product.run("apply --yes", 600)
    check("apply succeeds", applied.rc == 0, applied)
    lend(bench, check, product)
    two_bad_boots(bench, check, product)
    sat_out(bench, check, product)
    mailed(bench, check)
    trusted(bench, check, product)


def begun(bench):
    return bench.run(f"cat {BOOTS}", check=False).out


def lend(bench, check, product):
    counted = eventually(lambda: "begun=0" in begun(bench), 90)
    check("the service finds the host healthy after apply", counted, begun(bench))
    released = product.run(f"release {X2} --yes")
    drivers = product.drivers()
    check("release lends the whole group to the host", released.rc == 0 and drivers[X2] == drivers[X3] == "xhci_hcd"
          and drivers[X0] == "vfio-pci", (released, drivers))
    bench.run("systemctl reload hostsplitd")
    check("the service does not call it drift", product.drivers()[X3] == "xhci_hcd", product.drivers())
    shown = {c["address"]: c["released"] for c in product.json("status")["controllers"]}
    check("status says so", shown == {X0: False, X1: False, X2: True, X3: True}, shown)
    bench.plug("x2", "1", "LENT")
    disk = bench.disk_of("LENT")
    bench.run(f"mkfs.ext4 -q {disk} && mkdir -p /mnt/lent && mount {disk} /mnt/lent")
    refused = product.run(f"take {X2} --yes")
    check("take is refused while a stick on it is mounted", refused.rc == 3 and "/mnt/lent" in refused.out, refused)
    bench.run("umount /mnt/lent")
    taken = product.run(f"take {X3} --yes")
    drivers = product.drivers()
    check("then take gives the group back", taken.rc == 0 and drivers[X2] == drivers[X3] == "vfio-pci", (taken, drivers))
    bench.unplug("LENT")
    unknown = product.run("release no-such-port --yes")
    check("a name that means nothing: exit 2", unknown.rc == 2 and "no-such-port" in unknown.err, unknown)
    check("release for the reboot", product.run(f"release {X0} --yes").rc == 0)


def two_bad_boots(bench, check, product):
    for number in (1, 2):
        bench.power_cut(until="agent")
        counted = eventually(lambda: f"begun={number}" in begun(bench), 120)
        check(f"bad boot {number} is counted early", counted, begun(bench))
        if number == 1:
            check("what was lent is the VM's again after a boot", eventually(
                lambda: product.drivers()[X0] == "vfio-pci", 60), product.drivers())
    # As where GRUB cannot count: otherwise the third boot would be without hostsplit (loader_falls_back).
    bench.run("grub-editenv /boot/grub/hostsplit.env unset hostsplit_boots; sync")


def sat_out(bench, check, product):
    bench.power_cut()
    drivers = product.drivers()
    check("the third boot is sat out: the host has every controller", set(drivers.values()) == {"xhci_hcd"}, drivers)
    status = product.run("status")
    check("status says so and exits 3", status.rc == 3 and "last 2 boots did not get healthy" in status.out, status)
    entry = product.journal(event="health", result="failed")
    check("the journal too", entry and "is suspended" in entry[0]["MESSAGE"], entry)
    state = bench.run("systemctl show -P StatusText hostsplitd").out
    check("the service only observes", "observing only" in state, state)


def mails(bench):
    """What root got in this boot."""
    return bench.run(f"for mail in {MAILS}-$(cat /proc/sys/kernel/random/boot_id)/*; do [ ! -f $mail ] || {{ cat $mail; echo; "
                     "printf '\\f'; }; done").out.split("\f")[:-1]


def mailed(bench, check):
    check("root gets a mail", eventually(lambda: mails(bench), 90), bench.run(
        "systemctl status hostsplit-mail.path hostsplit-mail.service; ls -l /run/hostsplit", check=False))
    text = mails(bench)[0] if mails(bench) else ""
    head, _, body = text.partition("\n\n")
    check("it is addressed to root by its head, and says whence it is", head.startswith("called with -t -oi\nTo: root\nSubject: "
          "hostsplit on ") and "needs attention" in head and "Auto-Submitted: auto-generated" in head, head)
    check("it says what is wrong and what to do", "* hostsplit is suspended: the last 2 boots did not get healthy. " in body
          and "hostsplit apply" in body and "See: hostsplit status, hostsplit log" in body, body)
    bench.run("systemctl reload hostsplitd")
    bench.run("systemctl restart hostsplitd")
    observes = eventually(lambda: "observing only" in bench.run("systemctl show -P StatusText hostsplitd").out, 90)
    check("of the same thing it gets no other, nor after a restart of the service", observes
          and not eventually(lambda: len(mails(bench)) != 1, 20), mails(bench))
    check("nothing waits to be sent", bench.run("ls /run/hostsplit/mail*").out.split() == ["/run/hostsplit/mailed"],
          bench.run("ls -l /run/hostsplit"))


def trusted(bench, check, product):
    applied = product.run("apply --yes", 300)
    check("apply ends the suspension", applied.rc == 0 and product.drivers()[X0] == "vfio-pci", applied)
    healthy = eventually(lambda: "begun=0" in begun(bench), 90)
    check("and the host is found healthy", healthy, begun(bench))
