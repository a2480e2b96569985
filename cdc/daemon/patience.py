"""Waits for a side that cannot be reached."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from cdc.errors import Retryable
from cdc.retry import Liveness, persist

T = TypeVar("T")


class Patience:
    """Retries a query until its side can be reached, or until the daemon is stopped."""

    def __init__(self, liveness: Liveness, stopping: threading.Event) -> None:
        """`liveness` ticks at each attempt; `stopping` ends the wait."""
        self._liveness = liveness
        self._stopping = stopping

    def ask(self, question: Callable[[], T]) -> T:
        """Return the answer; raises what is not Retryable, and Stopped after the daemon's stop."""

        def asked() -> T:
            self._liveness.tick()
            return question()

        return persist(
            asked,
            event="start_retry",
            passing=lambda error: isinstance(error, Retryable),
            stopping=self._stopping,
        )
