"""A client for qemu-guest-agent: commands and files in the guest."""

import base64
import itertools
import time
from dataclasses import dataclass

from .channel import Channel
from .errors import BenchError

_CHUNK = 1 << 20
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5
_ANSWER_LIMIT = 60  # seconds for the agent to answer a request that takes no time


@dataclass(frozen=True)
class Result:
    """How a command in the guest ended: exit code (128+N for signal N) and its output."""

    rc: int
    out: str
    err: str


class Agent:
    """The agent of one QEMU process; call sync() first and after every boot.

    `silence` makes the exception for an agent that does not answer.
    """

    def __init__(self, sock, watch, silence):
        self._channel = Channel(sock, watch)
        self._silence = silence
        self._owed = False  # an answer may still come to a request that was given up
        self._tickets = itertools.count(int(time.time()))

    def sync(self, timeout):
        """Wait until the agent answers; leftovers of an earlier conversation are dropped."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            ticket = next(self._tickets)
            # The byte 0xff resets the agent's parser.
            self._channel.send({"execute": "guest-sync-delimited", "arguments": {"id": ticket}},
                               prefix=b"\xff")
            again = min(deadline, time.monotonic() + 5)
            while message := self._channel.receive(again):
                if message.get("return") == ticket:
                    self._owed = False
                    return
        raise self._silence(f"the guest agent does not answer within {timeout:.0f} s")

    def command(self, name, **arguments):
        """Run one request of the agent's protocol and return its value."""
        if self._owed:
            self.sync(_ANSWER_LIMIT)
        self._owed = True
        self._channel.send({"execute": name, "arguments": arguments})
        message = self._channel.receive(time.monotonic() + _ANSWER_LIMIT)
        if message is None:
            raise self._silence(f"the guest agent does not answer {name}")
        self._owed = False
        if "error" in message:
            raise BenchError(f"the guest agent refuses {name}: {message['error']['desc']}")
        return message["return"]

    def start(self, argv, stdin=None):
        """Start a program and return its process id; its output is kept for wait()."""
        arguments = {"path": argv[0], "arg": list(argv[1:]), "capture-output": True}
        if stdin is not None:
            arguments["input-data"] = base64.b64encode(_bytes(stdin)).decode()
        return self.command("guest-exec", **arguments)["pid"]

    def wait(self, pid, timeout):
        """The Result of a started program, or None when it takes longer than `timeout`."""
        deadline = time.monotonic() + timeout
        pause = _FIRST_PAUSE
        while True:
            status = self.command("guest-exec-status", pid=pid)
            if status["exited"]:
                rc = status.get("exitcode", 128 + status.get("signal", 0))
                return Result(rc, _text(status.get("out-data")), _text(status.get("err-data")))
            if time.monotonic() >= deadline:
                return None
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def write_file(self, path, data):
        """Replace the content of a file in the guest."""
        handle = self.command("guest-file-open", path=path, mode="w")
        try:
            for start in range(0, len(data), _CHUNK):
                chunk = base64.b64encode(data[start:start + _CHUNK]).decode()
                self.command("guest-file-write", handle=handle, **{"buf-b64": chunk})
        finally:
            self.command("guest-file-close", handle=handle)

    def read_file(self, path):
        """The content of a file in the guest."""
        handle = self.command("guest-file-open", path=path, mode="r")
        parts = []
        try:
            while True:
                part = self.command("guest-file-read", handle=handle, count=_CHUNK)
                parts.append(base64.b64decode(part["buf-b64"]))
                # A file of /proc or /sys ends with an empty read, not with the size it claims.
                if part["eof"] or not part["count"]:
                    return b"".join(parts)
        finally:
            self.command("guest-file-close", handle=handle)


def _bytes(text):
    return text.encode() if isinstance(text, str) else text


def _text(encoded):
    return base64.b64decode(encoded or "").decode(errors="replace")
