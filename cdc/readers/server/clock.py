"""The source's clock, derived from a local clock that never jumps."""

from __future__ import annotations

import time
from collections.abc import Callable


class SourceClock:
    """Knows the source's time since the last query, whatever happens to the local wall clock."""

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """`wall` is the host's time in seconds since the epoch; `steady` never jumps."""
        self._wall = wall
        self._steady = steady
        self._ahead_of_steady: float | None = None

    def was_ahead_by(self, seconds: float) -> float:
        """Record how far the source is ahead of the local wall clock now, in seconds.

        Return by how much it has moved since the last time, beyond what has passed; 0 at first.
        """
        before = self._ahead_of_steady
        self._ahead_of_steady = self._wall() + seconds - self._steady()
        return 0.0 if before is None else self._ahead_of_steady - before

    def now(self) -> float | None:
        """Return the source's time in seconds since the epoch; None if it is unknown."""
        ahead = self._ahead_of_steady
        return None if ahead is None else ahead + self._steady()

    @property
    def offset_seconds(self) -> float | None:
        """Return how far the source is ahead of the local wall clock now; None if unknown."""
        ahead = self._ahead_of_steady
        return None if ahead is None else ahead + self._steady() - self._wall()
