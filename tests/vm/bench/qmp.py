"""A client for QEMU's own control protocol."""

import time

from .channel import Channel
from .errors import BenchError, GuestTimeout


class Qmp:
    """Commands to one QEMU process, and the events it sends.

    Events are kept until somebody waits for them.
    """

    def __init__(self, sock, watch):
        self._channel = Channel(sock, watch)
        self._events = []

    def handshake(self, timeout=20):
        """Take the greeting and leave the mode in which only negotiation is allowed."""
        if self._channel.receive(time.monotonic() + timeout) is None:
            raise GuestTimeout("QEMU does not greet on its control socket")
        self.command("qmp_capabilities")

    def command(self, name, timeout=120, **arguments):
        """Run one command and return its value; raise BenchError with QEMU's words."""
        self._channel.send({"execute": name, "arguments": arguments})
        deadline = time.monotonic() + timeout
        while True:
            message = self._channel.receive(deadline)
            if message is None:
                raise GuestTimeout(f"QEMU does not answer {name} within {timeout} s")
            if "event" in message:
                self._events.append(message)
            elif "error" in message:
                raise BenchError(f"QEMU refuses {name} {arguments}: {message['error']['desc']}")
            else:
                return message["return"]

    def monitor(self, line, timeout=120):
        """Run a line of the human monitor, which says nothing when it succeeds."""
        said = self.command("human-monitor-command", timeout, **{"command-line": line})
        if said.strip():
            raise BenchError(f"QEMU refuses {line}: {said.strip()}")

    def wait_event(self, name, timeout, **data):
        """Wait for event `name` whose data holds all of `data`; forget it and all before it."""
        deadline = time.monotonic() + timeout
        while True:
            for index, event in enumerate(self._events):
                if event["event"] == name and data.items() <= event.get("data", {}).items():
                    del self._events[:index + 1]
                    return event
            message = self._channel.receive(deadline)
            if message is None:
                raise GuestTimeout(f"no {name} {data} from QEMU within {timeout} s")
            self._events.append(message)
