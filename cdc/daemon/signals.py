"""Handles the signals that end a daemon."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import structlog

log = structlog.get_logger(__name__)

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` at SIGTERM or SIGINT, wherever the program's threads are blocked."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)

    def wait() -> None:
        number = signal.sigwait(STOP_SIGNALS)
        log.info("stopping", signal=signal.Signals(number).name)
        stop()

    threading.Thread(target=wait, name="signals", daemon=True).start()
    try:
        yield
    finally:
        for number in STOP_SIGNALS:  # a second one, still pending, must not kill what has drained
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
