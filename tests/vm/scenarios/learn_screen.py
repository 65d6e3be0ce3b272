"""`hostsplit learn` as a screen, with real plugs: six sockets, three with Chinese names, a mistake undone, Ctrl-C in the middle
of a question, a reboot, resumed; a second stick while one is asked for; controllers lent and given back, also after a kill;
then on the serial console, where the kernel's messages must not run through it; at last with the page for a phone."""

import json
import re
import sys
import time
from pathlib import Path

from bench import eventually
from bench.article import X0, X2
from bench.product import Product

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
from browser import Phone, browser  # noqa: E402
from vt100 import Screen  # noqa: E402

TOPOLOGY = "article"
SUBJECTS = ("agent/cli/act/learn", "agent/cli/act/phone", "agent/phone/", "agent/core/phone/", "config/phone/", "agent/operations/learn", "agent/operations/lending", "agent/core/usb/learn",
            "agent/host/store/lent", "tests/vt100.py")
SECONDS = 350
MEMORY = 7

WIDTH, HEIGHT = 80, 24
UNREAD = 0.7  # for so long a question takes no answer, and a burst of typing lasts
CTRL_C, CTRL_D, CTRL_Z = "\\0003", "\\0004", "\\0032"  # for %b of printf

GIVEN = f"""
    [host]
    pages = "run-time"

    [vm.101]
    controllers = ["{X0}"]
"""


def run(bench, check):
    product = Product(bench)
    first_half(bench, check, product)
    bench.reboot()
    second_half(bench, check, product)
    lent(bench, check, product)
    killed(bench, check, product)
    console(bench, check, product)
    web(bench, check, product)
    phone(bench, check, product)


class Terminal:
    """hostsplit on a terminal of its own in the guest; what is typed goes in by a pipe, the screen is put together here."""

    def __init__(self, bench, name, command="hostsplit learn"):
        self._bench = bench
        self._pipe = f"/run/keys-{name}"
        bench.run(f"rm -f {self._pipe}; mkfifo {self._pipe}")
        # A Ctrl-C is for every process of the terminal, also for the shell that reports the end.
        line = f"trap : INT; stty rows {HEIGHT} cols {WIDTH}; TERM=vt100 {command}; echo ended with $?"
        self._job = bench.spawn(f"sleep 1000 >{self._pipe} & exec script -qfec '{line}' /dev/null <{self._pipe}", name)

    def screen(self):
        screen = Screen(WIDTH, HEIGHT)
        screen.feed(self._job.output().encode())
        return screen.text()

    def wait_for(self, *words, limit=60):
        return eventually(lambda: all(word in self.screen() for word in words), limit)

    def type(self, keys):
        """Types keys, octal escapes among them, once a question can have been read."""
        time.sleep(UNREAD)
        self._bench.run(["/bin/sh", "-c", f"printf '%b' \"$1\" >{self._pipe}", "sh", keys])

    def end(self, limit=180):
        """Whether it has ended with 0."""
        ended = self.wait_for("ended with 0", limit=limit)
        self.kill()
        return ended

    def kill(self):
        self._job.signal("KILL")


def learn(bench, check, terminal, serial, controller, port, label, typed=None):
    """Plug, name, unplug; how long the screen took to show the socket."""
    bench.plug(controller, port, serial)
    plugged = time.monotonic()
    check(f"{label}: the socket lights up", terminal.wait_for("New socket", f"port {port} of"), terminal.screen())
    took = time.monotonic() - plugged
    terminal.type((label if typed is None else typed) + "\\r")
    check(f"{label}: learned", terminal.wait_for(f"Learned: {label}"), terminal.screen())
    bench.unplug(serial)
    return took


def first_half(bench, check, product):
    terminal = Terminal(bench, "learn1")
    check("it asks for a stick", terminal.wait_for("Plug a USB stick"), terminal.screen())
    terminal.type("rear-1\\r")
    times = [learn(bench, check, terminal, "S1", "x0", "1", "front-1"),
             learn(bench, check, terminal, "S2", "x0", "2", "front-2", typed=""),
             learn(bench, check, terminal, "S3", "x2", "1", "前面板3号口")]
    print(f"     from plug to screen, with the bench's own way to look: {max(times):.1f} s at most")
    bench.plug("x2", "2", "S4")
    terminal.wait_for("New socket", "port 2 of")
    bench.plug("x3", "1", "S5")
    check("a second stick waits", terminal.wait_for("1 waiting"), terminal.screen())
    terminal.type("后面板\\r")
    check("the first of them is learned, the second asked for", terminal.wait_for("Learned: 后面板", "port 1 of 0000:81:00.1"),
          terminal.screen())
    terminal.type("wrong\\r")
    check("a mistake", terminal.wait_for("Learned: wrong"), terminal.screen())
    terminal.type(CTRL_Z)
    check("is undone, and the socket asked for again", terminal.wait_for("Undone: wrong is forgotten", "New socket"),
          terminal.screen())
    print("     " + terminal.screen().replace("\n", "\n     "))
    terminal.type("half a na" + CTRL_C)
    check("Ctrl-C in the middle of a question ends it well", terminal.end() and "4 learned in this run" in terminal.screen(), terminal.screen())
    check("what was learned stays", sorted(product.ports()) == sorted(["front-1", "front-2", "前面板3号口", "后面板"]),
          list(product.ports()))
    for serial in ("S4", "S5"):
        bench.unplug(serial)


def second_half(bench, check, product):
    terminal = Terminal(bench, "learn2")
    check("after a reboot the names are on the screen", terminal.wait_for("前面板3号口", "后面板", "4 of"), terminal.screen())
    bench.plug_kbd("x1", "2")
    check("a keyboard is left alone", terminal.wait_for("Left alone"), terminal.screen())
    learn(bench, check, terminal, "S5", "x3", "1", "右侧口")
    learn(bench, check, terminal, "S6", "x1", "3", "usb2-only")
    print("     " + terminal.screen().replace("\n", "\n     "))
    terminal.type(CTRL_D)
    check("Ctrl-D ends it", terminal.end(), terminal.screen())
    ports = product.ports()
    check("six sockets, three with Chinese names", len(ports) == 6 and {"前面板3号口", "后面板", "右侧口"} <= set(ports), list(ports))
    check("each where it was plugged", ports["右侧口"]["controller"] == "0000:81:00.1" and ports["前面板3号口"]["controller"] == X2, ports)


def lent(bench, check, product):
    product.configure(GIVEN)
    check("a controller goes to a VM", product.run("apply --yes", 300).rc == 0 and product.drivers()[X0] == "vfio-pci")
    terminal = Terminal(bench, "learn3")
    check("it is offered to be lent", terminal.wait_for("Lend to the host while you learn", X0), terminal.screen())
    terminal.type("\\r")
    check("and lent", terminal.wait_for("can be learned now") and product.drivers()[X0] == "xhci_hcd", terminal.screen())
    learn(bench, check, terminal, "S7", "x0", "3", "front-3")
    time.sleep(35)  # longer than the service waits between two looks
    check("the service leaves it alone", product.drivers()[X0] == "xhci_hcd", product.drivers())
    terminal.type(CTRL_D)
    check("it ends", terminal.end(), terminal.screen())
    check("and the controller is back", product.drivers()[X0] == "vfio-pci", product.drivers())


def killed(bench, check, product):
    terminal = Terminal(bench, "learn4")
    terminal.wait_for("Lend to the host while you learn")
    terminal.type("\\r")
    check("lent again", terminal.wait_for("can be learned now"), terminal.screen())
    bench.run("pkill -KILL -f '^hostsplit learn$'", check=False)
    terminal.kill()
    check("after kill -9 the service gives it back", eventually(lambda: product.drivers()[X0] == "vfio-pci", 60), product.drivers())
    check("and nothing is left", product.run("plan --check").rc == 0, product.run("plan"))


def console(bench, check, product):
    level = bench.run("cat /proc/sys/kernel/printk").out
    bench.run("systemctl stop serial-getty@ttyS0", check=False)
    job = bench.spawn("stty rows 24 cols 80 </dev/ttyS0; exec env TERM=vt100 hostsplit learn </dev/ttyS0 >/dev/ttyS0", "learn5")
    quiet = eventually(lambda: bench.run("cat /proc/sys/kernel/printk").out.split()[0] == "1", 60)
    check("on the console the kernel is quiet", quiet, bench.run("cat /proc/sys/kernel/printk"))
    bench.run("pkill -KILL --oldest --full '^hostsplit learn$'")  # not the one that waits for its end
    check("and as loud as before after a kill", eventually(lambda: bench.run("cat /proc/sys/kernel/printk").out == level, 30), level)
    bench.run("systemctl start serial-getty@ttyS0", check=False)


class Page:
    """The page for a phone, asked from inside the guest, which has no other program for that than a shell."""

    def __init__(self, bench, url):
        self._bench = bench
        self._host, self._open = re.match(r"http://([^/]+)(/.*)", url).groups()
        self.cookie = ""

    def ask(self, line, body=""):
        """Status and body; status 0 where nobody listens."""
        head = [f"{line} HTTP/1.1", f"Host: {self._host}", "Connection: close", f"Cookie: {self.cookie}",
                f"Origin: http://{self._host}", f"Content-Length: {len(body.encode())}" if body else "X-None: 1"]
        self._bench.put_text("/run/request", "\r\n".join(head) + "\r\n\r\n" + body)
        address, port = self._host.rsplit(":", 1)
        result = self._bench.run(["/bin/bash", "-c", f"exec 3<>/dev/tcp/{address}/{port} && cat /run/request >&3 && timeout 20 cat <&3"],
                                 check=False)
        found = re.match(r"HTTP/1\.1 (\d+)(.*?)\r\n\r\n(.*)", result.out, re.S)
        if not found:
            return 0, result.out
        if cookie := re.search(r"Set-Cookie: ([^;]+)", found.group(2)):
            self.cookie = cookie.group(1)
        return int(found.group(1)), found.group(3)

    def open(self):
        return self.ask("GET " + self._open)[0]

    def state(self):
        return json.loads(self.ask("GET /state")[1])

    def name(self, number, name):
        return self.ask("POST /name", json.dumps({"question": number, "name": name}))[0]


def web(bench, check, product):
    job = bench.spawn("exec hostsplit learn --web=127.0.0.1", "learn6")
    shown = eventually(lambda: re.search(r"http://\S+/\?t=\S+", job.output()), 60)
    check("learn --web prints where its page is", bool(shown), job.output())
    url = re.search(r"http://\S+/\?t=\S+", job.output()).group(0)
    page, other = Page(bench, url), Page(bench, url)
    check("it opens once", page.open() == 200 and other.open() == 403)
    served = bench.run("ps -o user:20=,args= -C phone-page").out
    check("and is served by nobody", served.split()[:1] == ["nobody"], served)
    bench.plug("x3", "2", "S8")
    check("a stick that is plugged is asked for", eventually(lambda: page.state()["question"], 60), page.state())
    question = page.state()["question"]
    check("at its place", question["place"]["controller"] == "0000:81:00.1" and question["place"]["port"] == "2", question)
    check("it gets its name there", page.name(question["number"], "手机命名") == 200 and "手机命名" in product.ports(), page.state())
    check("once", page.name(question["number"], "late") == 409 and "late" not in product.ports())
    bench.unplug("S8")
    job.signal("INT")
    check("with Ctrl-C the page is gone", eventually(lambda: page.ask("GET /state")[0] == 0, 30), job.output())
    check("and its process", eventually(lambda: not bench.run("pgrep -x phone-page", check=False).out, 30))


def phone(bench, check, product):
    """The page in a browser of this machine, which reaches the guest's network card through QEMU."""
    if not browser():
        return print("     no Chromium here: the page was not opened in a browser")
    address = bench.network()
    job = bench.spawn(f"exec hostsplit learn --web={address}", "learn7")
    shown = eventually(lambda: re.search(r"http://[0-9.]+:(\d+)/\?t=\S+", job.output()), 60)
    check("learn --web on the network card", bool(shown), job.output())
    bench.forward(int(shown.group(1)))
    page = Phone(arguments=[f"--host-resolver-rules=MAP {address} 127.0.0.1"])
    page.open(shown.group(0))
    check("a browser opens the page", page.wait("Plug a USB stick into a socket"), page.text())
    bench.plug("x3", "3", "S9")
    check("the stick that is plugged is on it", page.wait("0000:81:00.1", "S9"), page.text())
    page.ask("document.getElementById('name').select()")
    page.type("浏览器命名")
    page.enter()
    check("named there it is learned", page.wait("Learned: 浏览器命名") and "浏览器命名" in product.ports(), page.text())
    check("the browser has nothing to complain of", not page.complaints(), page.complaints())
    bench.unplug("S9")
    job.signal("INT")
    check("it is told that learning has ended", page.wait("Learning has ended"), page.text())
    page.close()
