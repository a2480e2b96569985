"""Keeps what `/status?recent` tells: the last half hour's lag, and when each table last changed."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from cdc.model.telemetry import Telemetry
from cdc.observability.lag_history import LagHistory

LOOK_SECONDS: Final = 1.0


class Recent:
    """The history of one daemon; may be read from any thread."""

    def __init__(
        self, lags: LagHistory | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`lags` may be noted elsewhere too; `clock` counts seconds, and never goes back."""
        self._clock = clock
        self._lags = lags or LagHistory(clock)
        self._lock = threading.Lock()
        self._changes: Counter[str] = Counter()
        self._changed_at: dict[str, float] = {}

    def seen(self, telemetry: Telemetry) -> Telemetry:
        """Note the lag of a look, whoever it is for, and return the telemetry."""
        self._lags.note(telemetry.lag_seconds)
        return telemetry

    def look(self, telemetry: Telemetry) -> None:
        """Note the lag, and which tables have changed since the last look."""
        now = self._clock()
        changes = _changes(self.seen(telemetry).writing.rows)
        with self._lock:
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
                    [round(age, 1), None if lag is None else round(lag, 3)]
                    for age, lag in self._lags.samples()
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
def watched(telemetry: Callable[[], Telemetry], lags: LagHistory) -> Iterator[Recent]:
    """Look every second, first at once, while the block runs."""
    recent, stopping = Recent(lags), threading.Event()
    thread = threading.Thread(
        target=_watch, args=(recent, telemetry, stopping), name="recent", daemon=True
    )
    thread.start()
    try:
        yield recent
    finally:
        stopping.set()


def _watch(recent: Recent, telemetry: Callable[[], Telemetry], stopping: threading.Event) -> None:
    while True:
        recent.look(telemetry())
        if stopping.wait(LOOK_SECONDS):
            return


def _changes(rows: Mapping[tuple[str, str], int]) -> Counter[str]:
    """Add up the kinds of changes of each table."""
    found: Counter[str] = Counter()
    for (table, _), count in rows.items():
        found[table] += count
    return found
