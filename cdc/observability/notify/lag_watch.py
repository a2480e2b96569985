"""Decides when a lag is worth a notice."""

from __future__ import annotations

from typing import Final

from cdc.model.notice import Notice, NoticeEvent

CAUGHT_UP: Final = 0.5
"""The part of the threshold below which the stream has caught up: no flapping around it."""


class LagWatch:
    """Tells once that the lag is above the threshold, and once that it is well below it again."""

    def __init__(self, threshold_seconds: float) -> None:
        self._threshold = threshold_seconds
        self._is_above = False

    def look(self, lag_seconds: float | None) -> Notice | None:
        """Return the notice that a lag calls for, if any; None is unknown, and changes nothing."""
        if lag_seconds is None:
            return None
        if not self._is_above and lag_seconds > self._threshold:
            return self._turned(lag_seconds, "is behind by more than")
        if self._is_above and lag_seconds <= self._threshold * CAUGHT_UP:
            return self._turned(lag_seconds, "has caught up to half of")
        return None

    def _turned(self, lag_seconds: float, what: str) -> Notice:
        self._is_above = not self._is_above
        return Notice(
            NoticeEvent.LAG,
            f"the stream {what} {self._threshold:g} seconds: {lag_seconds:.0f} s",
            {
                "state": "above" if self._is_above else "below",
                "lag_seconds": round(lag_seconds, 3),
                "threshold_seconds": self._threshold,
            },
        )
