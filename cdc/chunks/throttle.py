"""Limits the speed of chunks: so many rows a second, and slower while the stream lags."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

LAG_POLL_SECONDS: Final = 0.2


class Throttle:
    """Delays the reading of chunks."""

    def __init__(
        self,
        *,
        rows_per_second: float | None,
        max_lag_seconds: float,
        lag_seconds: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`lag_seconds` returns the stream's lag; `clock` counts seconds."""
        self._rows_per_second = rows_per_second
        self._max_lag_seconds = max_lag_seconds
        self._lag_seconds = lag_seconds
        self._clock = clock
        self._free_at = 0.0

    def spent(self, rows: int) -> None:
        """Count rows that were read."""
        if self._rows_per_second:
            self._free_at = max(self._free_at, self._clock()) + rows / self._rows_per_second

    def wait(self, wait: Callable[[float], None]) -> None:
        """Wait until more may be read; `wait` waits so many seconds."""
        while (left := self._free_at - self._clock()) > 0:
            wait(min(left, LAG_POLL_SECONDS))
        while self._lag_seconds() > self._max_lag_seconds:
            wait(LAG_POLL_SECONDS)
