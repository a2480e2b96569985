"""A clock that a test moves."""

from __future__ import annotations


class MovedClock:
    """Seconds, as `time.monotonic` counts them; `now` is the test's to set."""

    def __init__(self, now: float = 100.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time."""
        return self.now
