"""Repeats what needs the source or the target until that side can be reached."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from cdc.errors import Retryable
from cdc.retry import Liveness, retry_until_done

T = TypeVar("T")


class RetryUntilReached:
    """Repeats attempts until their side can be reached, or until the daemon is stopped."""

    def __init__(self, liveness: Liveness, stopping: threading.Event) -> None:
        """`liveness` ticks at each attempt; `stopping` ends the wait."""
        self._liveness = liveness
        self._stopping = stopping

    def run(self, attempt: Callable[[], T]) -> T:
        """Return the result; raises what is not Retryable, and Stopped after the daemon's stop."""

        def ticked() -> T:
            self._liveness.tick()
            return attempt()

        return retry_until_done(
            ticked,
            event="start_retry",
            passing=lambda error: isinstance(error, Retryable),
            stopping=self._stopping,
        )
