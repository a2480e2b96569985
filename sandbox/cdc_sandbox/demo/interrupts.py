"""What Ctrl-C and SIGTERM do to the demo: the first stops it cleanly, the second at once."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

KILLED = 130


@contextmanager
def orderly() -> Iterator[None]:
    """Turn the first signal into KeyboardInterrupt; the second ends the process then and there.

    Servers and daemon notice that their owner is gone and die with it.
    """
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in signals}
    met = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal met
        if met:
            os.write(sys.stderr.fileno(), b"\nkilled\n")
            os._exit(KILLED)
        met = True
        raise KeyboardInterrupt

    for number in signals:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
