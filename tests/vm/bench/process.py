"""Manners of the bench's command-line tools."""

import signal
import sys

from .errors import BenchError


def tool(main):
    """Run main() as a tool: its value is the exit code, a BenchError is one clear message.

    A polite kill unwinds like an exception, so that guests are removed.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        sys.exit(main())
    except BenchError as error:
        sys.exit(f"{sys.argv[0]}: {error}")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
