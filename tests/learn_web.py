#!/usr/bin/env python3
"""The page of `hostsplit learn --web` over a real socket, on a fake host: learn_web.py FAKE-LEARN PHONE-PAGE [PICTURES]

First requests made by hand, also such as no browser makes; then a real browser with the screen of a phone, where one is
installed, which is printed. With PICTURES, a directory, what it shows is kept there. Prints one line a check; exit 1 when one
failed."""
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from browser import Phone, browser
from learn_screen import Program

X0, X1, X2 = "0000:03:00.3", "0000:22:00.3", "0000:44:00.1"
LIMIT = 30  # seconds; the machine may be busy
URL = re.compile(r"http://127\.0\.0\.1:(\d+)/\?t=([A-Za-z0-9_-]{32})(?![A-Za-z0-9_-])")  # a token may end in "-"
failed = 0


def check(what, fine, seen=""):
    global failed
    print(("ok      " if fine else "FAILED  ") + what, flush=True)
    if not fine:
        failed += 1
        print(f"        {seen}", flush=True)


def eventually(condition, limit=LIMIT):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


class Learn:
    """hostsplit-fake-learn --web without a terminal: lines, and the page."""

    def __init__(self, binary, page, *words):
        self.directory = tempfile.mkdtemp(prefix="hostsplit-web-")
        os.mkfifo(self.directory + "/commands")
        self.commands = os.open(self.directory + "/commands", os.O_RDWR)
        self.process = subprocess.Popen([binary, self.directory, "web=" + page, *words], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.output = b""
        threading.Thread(target=self._read, daemon=True).start()
        check("it prints where the page is", eventually(lambda: URL.search(self.text())), self.text())
        found = URL.search(self.text())
        self.port, self.token = int(found.group(1)), found.group(2)
        self.cookie = None

    def _read(self):
        while data := os.read(self.process.stdout.fileno(), 4096):
            self.output += data

    def text(self):
        return self.output.decode()

    def happen(self, command):
        os.write(self.commands, (command + "\n").encode())

    def ask(self, method, path, body=None, headers=(), cookie=True, host=None, origin=True):
        """Status, headers and body. Without other words as the phone that has the page."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", host or f"127.0.0.1:{self.port}")
        if cookie and self.cookie:
            connection.putheader("Cookie", self.cookie if cookie is True else cookie)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
            if origin:
                connection.putheader("Origin", f"http://127.0.0.1:{self.port}" if origin is True else origin)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        try:
            if body is not None:
                connection.send(body)
        except (BrokenPipeError, ConnectionResetError):  # refused before it was read
            pass
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, response.headers, text

    def raw(self, data):
        """What comes back for these bytes; the connection is closed after them."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT) as connection:
            answer = b""
            try:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
            except OSError:  # refused before it was sent
                pass
            try:
                while part := connection.recv(4096):
                    answer += part
            except OSError:
                pass
        return answer

    def open(self):
        status, headers, text = self.ask("GET", "/?t=" + self.token)
        if status == 200:
            self.cookie = headers["Set-Cookie"].split(";")[0]
        return status, headers, text

    def state(self):
        return json.loads(self.ask("GET", "/state")[2])

    def question(self, words):
        """The question about such a place, once it is asked."""
        eventually(lambda: words in json.dumps(self.state()["question"]))
        return self.state()["question"]

    def name(self, number, name, **more):
        status, _, text = self.ask("POST", "/name", json.dumps({"question": number, "name": name}).encode(), **more)
        return status, json.loads(text) if status in (200, 409) else text

    def closed(self):
        """Nobody listens there any more."""
        def refused():
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return False
            except OSError:
                return True
        return eventually(refused, 10)

    def children(self):
        found = []
        for each in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = each.read_text().rsplit(")", 1)[1].split()
                if int(fields[1]) == self.process.pid and (each.parent / "comm").read_text().strip() == "phone-page":
                    found.append(each.parent)
            except OSError:
                pass
        return found

    def end(self, with_signal=signal.SIGINT):
        self.process.send_signal(with_signal)
        self.process.wait(LIMIT)
        left = pathlib.Path(self.directory, "end")
        return left.read_text() if left.exists() else ""


def access(learn):
    check("a wrong token is refused", learn.ask("GET", "/?t=" + "x" * 32)[0] == 403)
    check("none, too", learn.ask("GET", "/")[0] == 403 and learn.ask("GET", "/state")[0] == 403)
    check("and a token without its end", learn.ask("GET", "/?t=" + learn.token[:-1])[0] == 403)
    check("by another name of the address it is not opened",
          learn.ask("GET", "/?t=" + learn.token, host=f"evil.example:{learn.port}")[0] == 403)
    status, headers, text = learn.open()
    check("the right token opens it", status == 200 and "<script nonce=" in text, (status, text[:200]))
    check("with a cookie for this page only", "HttpOnly" in headers["Set-Cookie"] and "SameSite=Strict" in headers["Set-Cookie"],
          headers)
    policy = headers["Content-Security-Policy"]
    check("which takes nothing from elsewhere", "default-src 'none'" in policy and "unsafe" not in policy and "{{" not in text, policy)
    check("is not kept, not framed, and refers nobody", headers["Cache-Control"] == "no-store" and headers["X-Frame-Options"] == "DENY"
          and headers["Referrer-Policy"] == "no-referrer", headers)
    check("a second client is refused", learn.ask("GET", "/?t=" + learn.token, cookie=False)[0] == 403)
    check("and one with another cookie", learn.ask("GET", "/state", cookie="hostsplit-learn=" + "x" * 32)[0] == 403)
    check("the first one may load it again", learn.ask("GET", "/")[0] == 200)
    check("the token is nowhere in what the page says", learn.token not in text + json.dumps(learn.state()))
    check("there is nothing but the page", [learn.ask("GET", path)[0] for path in ("/etc/passwd", "/../state", "/name")] == [404, 404, 405])
    check("and no other method", [learn.ask(method, "/state")[0] for method in ("HEAD", "PUT", "DELETE", "OPTIONS")] == [405] * 4)


def names(learn):
    learn.happen(f"plug {X0} 2 480 S1")
    first = learn.question(X0)
    check("a stick that is plugged is on the page", first and first["kind"] == "name" and first["proposal"] == "socket-1", first)
    for name in ("<script>alert(1)</script>", "a\nb", "\u202eabc", "x" * 65, "../etc"):
        status, result = learn.name(first["number"], name)
        check(f"{name[:30]!r} is no name", status == 409 and "a label is" in result["sentence"], result)
    check("a name from another page is refused", learn.name(first["number"], "evil", origin="http://evil.example")[0] == 403
          and learn.name(first["number"], "evil", origin=False)[0] == 403)
    status, result = learn.name(first["number"], "前面板 1号口")
    check("a Chinese name is taken", status == 200 and "Learned: 前面板 1号口" in result["sentence"], result)
    learn.happen(f"plug {X2} 1 480 S2")
    second = learn.question(X2)
    status, result = learn.name(first["number"], "late")
    check("an answer for the socket before is refused", status == 409 and "not asked for any more" in result["sentence"], result)
    status, result = learn.name(second["number"], "前面板 1号口")
    check("a name that is taken is refused", status == 409 and "already names" in result["sentence"], result)
    status, result = learn.name(second["number"], "")
    check("without a name it is skipped", status == 200 and "Skipped" in result["sentence"] and not learn.state()["question"], result)


def bad_requests(learn):
    head = f"Host: 127.0.0.1:{learn.port}\r\nCookie: {learn.cookie}\r\n".encode()
    origin = f"Origin: http://127.0.0.1:{learn.port}\r\n".encode()
    refused = lambda data: re.match(rb"HTTP/1\.1 4\d\d |$", learn.raw(data)) is not None  # noqa: E731
    check("a long head is refused", learn.ask("GET", "/state", headers=[("X-Long", "y" * 4096)])[0] == 431)
    check("a very long one", refused(b"GET /state HTTP/1.1\r\n" + head + b"X-Long: " + b"y" * 200000 + b"\r\n\r\n"))
    check("a long path", refused(b"GET /" + b"y" * 100000 + b" HTTP/1.1\r\n" + head + b"\r\n"))
    check("a large body", learn.ask("POST", "/name", b" " * 2000)[0] == 413)
    check("one announced as huge", refused(b"POST /name HTTP/1.1\r\n" + head + origin + b"Content-Length: 99999999999999999999\r\n\r\n"))
    check("one of unknown length", refused(b"POST /name HTTP/1.1\r\n" + head + origin + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n\r\n"))
    check("two addresses", refused(b"GET /state HTTP/1.1\r\n" + head + b"Host: evil.example\r\n\r\n"))
    check("no address", refused(b"GET /state HTTP/1.1\r\nCookie: " + learn.cookie.encode() + b"\r\n\r\n"))
    for what, data in (("no HTTP", b"hello\r\n\r\n"), ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200)),
                       ("zeros", bytes(5000)), ("a header without a name", b"GET / HTTP/1.1\r\n: x\r\n\r\n"),
                       ("half a line", b"GET /sta"), ("nothing", b"")):
        check(f"{what}: nothing is served", b"200 OK" not in learn.raw(data))
    bodies = (b"", b"{", b"[]", b"null", b'{"question":1}', b'{"question":-1,"name":"a"}', b'{"question":"1","name":"a"}',
              b'{"question":1,"name":7}', b'{"question":1,"name":"\xff"}', b"[" * 1000, b'{"question":1e99,"name":"a"}', b'{"question":4294967297,"name":"a"}')
    check("malformed names are refused", all(learn.ask("POST", "/name", body)[0] == 400 for body in bodies),
          [learn.ask("POST", "/name", body)[0] for body in bodies])
    idle = [socket.create_connection(("127.0.0.1", learn.port)) for _ in range(3)]
    check("idle connections do not keep the phone out", learn.ask("GET", "/state")[0] == 200)
    idle.append(socket.create_connection(("127.0.0.1", learn.port)))
    time.sleep(0.5)
    for each in idle:
        each.close()
    check("it lives", learn.ask("GET", "/state")[0] == 200)


def confined(learn):
    found = learn.children()
    check("one process serves it", len(found) == 1, found)
    status = (found[0] / "status").read_text()
    if os.geteuid() == 0:
        check("as nobody, for good", re.search(r"Uid:(\s+65534){4}", status) and re.search(r"Gid:(\s+65534){4}", status)
              and re.search(r"Groups:\s*\n", status) and "NoNewPrivs:\t1" in status and re.search(r"CapPrm:\s+0+\n", status), status)
        open_files = sorted(os.readlink(each) for each in (found[0] / "fd").iterdir())
        check("with sockets and no files", all(each.startswith(("socket:", "anon_inode:", "/dev/null")) for each in open_files), open_files)
    check("the token is in no command line", learn.token.encode() not in (found[0] / "cmdline").read_bytes())


def ends(learn, binary, page):
    left = learn.end()
    check("Ctrl-C ends it well", "end interrupted" in left and "count 1\n" in left and "port 前面板 1号口\n" in left, left + learn.text())
    check("then the page is gone", learn.closed())
    check("what happened stood in lines", "Learned: 前面板 1号口" in learn.text() and "Asked on the phone" in learn.text(), learn.text())
    killed = Learn(binary, page)
    killed.open()
    child = killed.children()
    killed.end(signal.SIGKILL)
    check("after kill -9 as well", killed.closed() and len(child) == 1 and eventually(lambda: not child[0].exists()))
    crashed = Learn(binary, page)
    os.kill(int(crashed.children()[0].name), signal.SIGKILL)
    check("a page that dies ends learning with a sentence", crashed.process.wait(LIMIT) == 1 and
          eventually(lambda: "its program has ended" in crashed.text()), crashed.text())
    hidden = Learn(binary, page, "lend")
    check("without a terminal no controller is lent", eventually(lambda: "stay with their VMs" in hidden.text()), hidden.text())
    check("and all are where they were", hidden.end().count("vfio-pci") == 3)


def screen(binary, page):
    program = Program(binary, "web=" + page, width=80, height=24)  # whose environment has no locale
    check("the terminal shows the address", program.wait("http://127.0.0.1:"), program.screen.text())
    check("without UTF-8 no code", "No code" in program.screen.text(), program.screen.text())
    program.type("x")
    check("a key leads to the sockets", program.wait("Plug a USB stick"), program.screen.text())
    program.type("\x10")
    check("and another back", program.wait("http://127.0.0.1:"), program.screen.text())
    found = URL.search(program.screen.text())
    port = int(found.group(1))
    request = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
    request.request("GET", "/?t=" + found.group(2))
    cookie = request.getresponse().headers["Set-Cookie"].split(";")[0]
    check("a phone that has it leads to the sockets", program.wait("A phone has opened the page"), program.screen.text())
    program.happen(f"plug {X0} 2 480 S1")
    check("both ask", program.wait("New socket: USB2 port 2 of 0000:03:00.3"), program.screen.text())
    program.type("typed-here")
    program.read(1)
    request.close()
    request.request("GET", "/state", headers={"Cookie": cookie})
    number = json.loads(request.getresponse().read())["question"]["number"]
    body = json.dumps({"question": number, "name": "from-the-phone"})
    request.request("POST", "/name", body, {"Cookie": cookie, "Origin": f"http://127.0.0.1:{port}"})
    answered = []
    threading.Thread(target=lambda: answered.append(json.loads(request.getresponse().read())), daemon=True).start()
    check("a name from the phone is on the terminal", program.wait("Learned: from-the-phone"), program.screen.text())
    check("and the phone is told", eventually(lambda: answered and answered[0]["taken"], 5), answered)
    program.type("\x04")
    code, left = program.end()
    check("Ctrl-D ends both", code == 0 and "port from-the-phone" in left and left.count("port ") == 1, left)


def code(binary, page):
    program = Program(binary, "web=" + page, width=80, height=24, locale="C.UTF-8")
    program.wait("Ctrl-P: here again")
    lines = program.screen.text().split("\n")
    # Version 4 with its edge, between URL and last line: the marks in three of its corners.
    check("a UTF-8 terminal shows the code, with the address in 24 lines",
          URL.search("\n".join(lines)) and lines[3].startswith("██ ▄▄▄▄▄ █") and lines[3].rstrip().endswith("█ ▄▄▄▄▄ ██")
          and sum(line.startswith("██ █▄▄▄█ █") for line in lines) == 2, program.screen.text())
    print(program.screen.text())
    program.type("\x04")
    check("Ctrl-D ends it from there", program.end()[0] == 0, program)


def with_browser(binary, page, pictures):
    learn = Learn(binary, page)
    phone = Phone()
    keep = lambda name: pictures and phone.picture(os.path.join(pictures, name + ".png"))  # noqa: E731
    phone.open(f"http://127.0.0.1:{learn.port}/?t={learn.token}")
    check("browser: the page opens", phone.wait("Plug a USB stick into a socket"), phone.text())
    check("browser: the token is out of its address", phone.ask("location.href") == f"http://127.0.0.1:{learn.port}/", phone.ask("location.href"))
    check("browser: scripts do not see the cookie", phone.ask("document.cookie") == "")
    keep("plug")
    learn.happen(f"plug {X0} 2 480 S1")
    check("browser: the socket that was plugged is shown", phone.wait("USB2 socket 2", "USB2 port 2 of controller 0000:03:00.3", "Ultra (serial S1)"), phone.text())
    large = phone.ask("parseFloat(getComputedStyle(document.getElementById('title')).fontSize)")
    check("browser: in large type", large >= 32, large)
    check("browser: in the width of the phone", phone.ask("document.documentElement.scrollWidth <= innerWidth"))
    check("browser: the proposal stands in the field", phone.ask("document.getElementById('name').value") == "socket-1")
    keep("asked")
    phone.type("<b>x</b>")
    phone.enter()
    check("browser: a refusal is shown as text", phone.wait("a label is") and phone.ask("document.querySelectorAll('b').length") == 0, phone.text())
    keep("refused")
    phone.ask("document.getElementById('name').select()")
    phone.type("前面板 1号口")
    phone.enter()
    check("browser: a name is learned", phone.wait("Learned: 前面板 1号口", "1 of"), phone.text())
    keep("learned")
    learn.happen(f"plug {X1} 1 5000 <img/src=x/onerror=alert(1)>")
    check("browser: what a stick says is text", phone.wait("<img/src=x/onerror=alert(1)>") and phone.ask("document.images.length") == 0, phone.text())
    phone.ask("document.getElementById('name').select()")
    phone.type("half a na")
    phone.dark()
    keep("dark")
    phone.ask("document.getElementById('name').value = ''")
    phone.tap("#skip")
    check("browser: a socket is skipped", phone.wait("Plug a USB stick", "Skipped"), phone.text())
    learn.happen(f"plug {X2} 1 480 S3")
    phone.wait("0000:44:00.1")
    phone.ask("document.getElementById('name').select()")
    phone.type("后面板")
    phone.tap("#save")
    check("browser: another name", phone.wait("Learned: 后面板", "2 of"), phone.text())
    errors = [each for each in phone.complaints() if "409" not in each]
    check("browser: nothing was kept out or went wrong", not errors, errors)
    phone.call("Page.reload")
    check("browser: it can be loaded again", phone.wait("Plug a USB stick", "2 of"), phone.text())
    left = learn.end()
    check("browser: both names are saved", "port 前面板 1号口\n" in left and "port 后面板\n" in left, left)
    check("browser: then it says that learning has ended", phone.wait("Learning has ended"), phone.text())
    keep("ended")
    phone.open(f"http://127.0.0.1:{learn.port}/")
    check("browser: and the page is gone", phone.wait("ERR_CONNECTION_REFUSED"), phone.text())
    phone.close()


def in_chinese(binary, page, pictures):
    learn = Learn(binary, page)
    phone = Phone("zh-CN")
    phone.open(f"http://127.0.0.1:{learn.port}/?t={learn.token}")
    check("browser: in Chinese", phone.wait("请把 U 盘插进一个插口"), phone.text())
    learn.happen(f"plug {X0} 2 480 S1")
    check("browser: questions, too", phone.wait("给这个插口起名", "USB2 插口 2"), phone.text())
    if pictures:
        phone.picture(os.path.join(pictures, "chinese.png"))
    phone.close()
    learn.end()


def main(binary, page, pictures=None):
    learn = Learn(binary, page)
    access(learn)
    names(learn)
    bad_requests(learn)
    confined(learn)
    ends(learn, binary, page)
    screen(binary, page)
    code(binary, page)
    if browser():
        with_browser(binary, page, pictures)
        in_chinese(binary, page, pictures)
    else:
        print("left out: there is no Chromium", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
