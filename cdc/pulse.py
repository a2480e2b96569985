"""A sign that the thread which does the work still turns."""

from __future__ import annotations

import time


class Pulse:
    """Beats each time the work goes round, an attempt that fails included."""

    def __init__(self) -> None:
        self._at = time.monotonic()

    def beat(self) -> None:
        """Say that the work turns."""
        self._at = time.monotonic()

    @property
    def seconds_ago(self) -> float:
        """Return how long ago it beat."""
        return time.monotonic() - self._at
