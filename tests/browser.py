"""A headless Chromium with the screen of a phone, driven over its debugging pipe."""
import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time

LIMIT = 60  # seconds; the machine may be busy


def browser():
    """The program, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Phone:
    """One page in a browser without history and cookies. ARGUMENTS: more for its command line."""

    def __init__(self, language="en", arguments=()):
        self.directory = tempfile.mkdtemp(prefix="hostsplit-browser-")
        there, self._commands = os.pipe()
        self._answers, back = os.pipe()
        for fd in (there, back):
            os.set_inheritable(fd, True)
        # The browser expects its pipes as descriptors 3 and 4.
        start = (f"import os,sys; a=os.dup({there}); b=os.dup({back}); os.dup2(a,100); os.dup2(b,101); "
                 "os.dup2(100,3); os.dup2(101,4); os.execv(sys.argv[1], sys.argv[1:])")
        self._process = subprocess.Popen(
            [sys.executable, "-c", start, browser(), "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
             "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--disable-sync",
             f"--lang={language}", f"--accept-lang={language}", f"--user-data-dir={self.directory}", "--remote-debugging-pipe",
             *arguments, "about:blank"],
            pass_fds=(there, back), env={**os.environ, "LANGUAGE": language}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(there)
        os.close(back)
        self._rest, self._number, self._session = b"", 0, None
        self.events = []
        page = next(each for each in self.call("Target.getTargets")["targetInfos"] if each["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        self.call("Page.enable")
        self.call("Runtime.enable")
        self.call("Log.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=2, mobile=True)

    def call(self, method, **parameters):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            answer = self._receive(end)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)
        raise TimeoutError(method)

    def _receive(self, end):
        while b"\0" not in self._rest:
            if not select.select([self._answers], [], [], max(0, end - time.monotonic()))[0]:
                raise TimeoutError("the browser does not answer")
            data = os.read(self._answers, 1 << 16)
            if not data:
                raise EOFError("the browser has ended")
            self._rest += data
        line, self._rest = self._rest.split(b"\0", 1)
        return json.loads(line)

    def open(self, url):
        self.call("Page.navigate", url=url)

    def ask(self, script):
        """The value of an expression in the page."""
        return self.call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def text(self):
        """What can be seen."""
        return self.ask("document.body ? document.body.innerText : ''") or ""

    def wait(self, *words, limit=LIMIT):
        end = time.monotonic() + limit
        while time.monotonic() < end:
            text = self.text()
            if all(word in text for word in words):
                return True
            time.sleep(0.1)
        return False

    def type(self, text):
        """As on the keyboard of the phone; the field has been selected."""
        self.call("Input.insertText", text=text)

    def enter(self):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")

    def tap(self, selector):
        box = self.ask(f"(() => {{ const r = document.querySelector({json.dumps(selector)}).getBoundingClientRect(); "
                       "return [r.x + r.width / 2, r.y + r.height / 2]; })()")
        self.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": box[0], "y": box[1]}])
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def dark(self):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])

    def picture(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def complaints(self):
        """What the browser had to say: errors of scripts, and what the page's policy kept out."""
        self.ask("1")
        found = []
        for event in self.events:
            if event.get("method") == "Runtime.exceptionThrown":
                found.append(event["params"]["exceptionDetails"].get("text", "exception"))
            if event.get("method") == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
                found.append(event["params"]["entry"]["text"])
        return found

    def close(self):
        self._process.kill()
        self._process.wait()
        os.close(self._commands)
        os.close(self._answers)
        shutil.rmtree(self.directory, ignore_errors=True)
