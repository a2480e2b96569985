"""Repeats attempts that fail for a passing reason, until they succeed or the writer stops."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from pymongo.errors import PyMongoError

from cdc.errors import Retryable
from cdc.retry import Liveness, retry_until_done
from cdc.writers.errors import TooLarge, brief, explain, is_passing, is_too_large
from cdc.writers.stats import WriterCounters

T = TypeVar("T")


class TargetRetry:
    """One writer's attempts at the target; its counters and its liveness report them."""

    def __init__(self, counters: WriterCounters, liveness: Liveness, *, cap_seconds: float) -> None:
        """`cap_seconds` is the longest wait between two attempts."""
        self._counters = counters
        self._liveness = liveness
        self._cap_seconds = cap_seconds
        self.stopping = threading.Event()
        self._stopped = False

    def run(self, attempt: Callable[[], T]) -> T:
        """Return the result of `attempt` once it succeeds.

        Raises TooLarge if the target refuses a transaction for its size, CdcError for other
        permanent errors, and Stopped if it is stopped while it waits.
        """
        try:
            return retry_until_done(
                partial(self._tried, attempt),
                event="target_retry",
                passing=is_passing,
                stopping=self.stopping,
                cap_seconds=self._cap_seconds,
            )
        except PyMongoError as error:
            if is_too_large(error):
                raise TooLarge(brief(error)) from error
            raise explain(error) from error

    def _tried(self, attempt: Callable[[], T]) -> T:
        self._liveness.tick()
        try:
            result = attempt()
        except Exception as error:
            if not is_passing(error):
                raise
            self._counters.connected = False
            self._counters.retries += 1
            self._counters.outages.failed(brief(error))
            raise Retryable(brief(error)) from error
        self._counters.connected = True
        self._counters.outages.succeeded()
        return result

    def tick(self) -> None:
        """Note that the writer is at work."""
        self._liveness.tick()

    def stop(self) -> None:
        """End the waits for good; may be called from any thread."""
        self._stopped = True
        self.stopping.set()

    def stop_waiting(self) -> None:
        """End the waits up to `wait_again`; may be called from any thread."""
        self.stopping.set()

    def wait_again(self) -> None:
        """Wait for the target again, unless `stop` was called."""
        self.stopping.clear()
        if self._stopped:  # checked after the reset: `stop` may be called at any time
            self.stopping.set()
