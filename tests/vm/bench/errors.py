"""Everything the bench raises. Catch BenchError for all of it."""


class BenchError(Exception):
    """Something about the bench or the guest is not as asked; the text says what."""


class GuestCrashed(BenchError):
    """The emulator killed the guest kernel (its signature is on the console), or died itself.

    Says nothing about the product: boots are repeated by Guest, a scenario by its runner.
    """


class GuestTimeout(BenchError):
    """The guest, or a command in it, did not get done within the limit."""


class CommandFailed(BenchError):
    """A command in the guest ended with a code other than 0."""

    def __init__(self, command, result):
        super().__init__(f"{command!r} ended with {result.rc}\n{result.out}{result.err}".rstrip())
        self.result = result
