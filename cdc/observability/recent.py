"""Keeps what `/status?recent` tells: the last half hour's lag, and when each table last changed."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from cdc.model.telemetry import Telemetry

EVERY_SECONDS: Final = 5.0
KEPT_SECONDS: Final = 1_800.0
MOST_SAMPLES: Final = int(KEPT_SECONDS / EVERY_SECONDS)


class Recent:
    """The samples of one daemon; may be read from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds; it never goes back."""
        self._clock = clock
        self._lock = threading.Lock()
        self._lags: deque[tuple[float, float | None]] = deque(maxlen=MOST_SAMPLES)
        self._changes: Counter[str] = Counter()
        self._changed_at: dict[str, float] = {}

    def sample(self, telemetry: Telemetry) -> None:
        """Keep the lag, and note which tables have changed since the last sample."""
        now, lag = self._clock(), telemetry.lag_seconds
        changes = _changes(telemetry.writing.rows)
        with self._lock:
            self._lags.append((now, None if lag is None else round(lag, 3)))
            for table, count in changes.items():
                if count != self._changes[table]:
                    self._changed_at[table] = now
            self._changes = changes

    def facts(self) -> dict[str, Any]:
        """Return both as JSON shows them, ages in seconds: `lag_history` begins with the oldest."""
        with self._lock:
            now = self._clock()
            return {
                "lag_history": [
                    [round(age, 1), lag]
                    for at, lag in self._lags
                    if (age := now - at) <= KEPT_SECONDS
                ],
                "tables": {
                    table: {
                        "row_changes": self._changes[table],
                        "last_seconds_ago": round(now - at, 1),
                    }
                    for table, at in sorted(self._changed_at.items())
                },
            }


@contextmanager
def sampled(telemetry: Callable[[], Telemetry]) -> Iterator[Recent]:
    """Take a sample every few seconds, the first at once, while the block runs."""
    recent, stopping = Recent(), threading.Event()
    thread = threading.Thread(
        target=_sample, args=(recent, telemetry, stopping), name="recent", daemon=True
    )
    thread.start()
    try:
        yield recent
    finally:
        stopping.set()


def _sample(recent: Recent, telemetry: Callable[[], Telemetry], stopping: threading.Event) -> None:
    while True:
        recent.sample(telemetry())
        if stopping.wait(EVERY_SECONDS):
            return


def _changes(rows: Mapping[tuple[str, str], int]) -> Counter[str]:
    """Add up the kinds of changes of each table."""
    found: Counter[str] = Counter()
    for (table, _), count in rows.items():
        found[table] += count
    return found
