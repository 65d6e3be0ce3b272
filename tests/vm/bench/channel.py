"""JSON messages, one a line, over a socket: the form of both QMP and the guest agent."""

import json
import select
import time

from .errors import BenchError

_SLICE = 0.25  # seconds between two looks at the guest's health while waiting


class Channel:
    """One end of such a socket. `watch` is called while waiting and may raise."""

    def __init__(self, sock, watch):
        self._sock = sock
        self._watch = watch
        self._buffer = b""

    def send(self, message, prefix=b""):
        """Send one message, after the raw bytes of `prefix`."""
        try:
            self._sock.sendall(prefix + json.dumps(message).encode() + b"\n")
        except ConnectionError as error:
            self._watch()
            raise BenchError(f"QEMU has hung up: {error}") from error

    def receive(self, deadline):
        """The next message, or None when `deadline` (time.monotonic) passes first."""
        self._watch()
        while True:
            line, newline, rest = self._buffer.partition(b"\n")
            if newline:
                self._buffer = rest
                text = line.rpartition(b"\xff")[2].strip()
                if text:
                    return json.loads(text)
                continue
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            if select.select([self._sock], [], [], min(left, _SLICE))[0]:
                self._read()
            else:
                self._watch()

    def _read(self):
        try:
            data = self._sock.recv(1 << 20)
        except ConnectionError:
            data = b""
        if not data:
            self._watch()
            time.sleep(_SLICE)
        self._buffer += data
