"""What a source's heartbeats tell: whether anything is left to read, and how far it has come."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, NamedTuple

NONE: Final = -1
"""The end that no heartbeat names."""

NOWHERE: Final = ("", 0)
"""The place that no heartbeat names."""


class Heard(NamedTuple):
    """What one heartbeat tells.

    `no_more`: all that the source has was read. `nothing_new`: nothing was committed either since
    the heartbeat before, which is one interval ago.
    """

    no_more: bool
    nothing_new: bool


class Heartbeats:
    """The heartbeats of a source, across connections; may be asked from any thread."""

    def __init__(
        self, interval_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Expect one after each interval without an event; `clock` counts seconds."""
        self._interval_seconds = interval_seconds
        self._clock = clock
        self._last_end = NONE
        self._last_at = 0.0
        self._heard_at = NOWHERE
        self._caught_up_at: float | None = None
        self.any_on_this_connection = False
        """Whether the link has held for an interval at least."""

    @property
    def caught_up_seconds_ago(self) -> float | None:
        """How long ago the source told that it has sent everything; None if it never did."""
        at = self._caught_up_at
        return None if at is None else self._clock() - at

    def connected(self) -> None:
        """Note that a connection begins, with heartbeats of its own."""
        self._last_end, self.any_on_this_connection = NONE, False

    def moved(self) -> None:
        """Note that another server is read: its files may have the names of the other's."""
        self._heard_at = NOWHERE

    def caught_up(self) -> None:
        """Note that the source has told by other means that it has sent everything."""
        self._caught_up_at = self._clock()

    def heard(self, end: int, place: tuple[str, int]) -> Heard:
        """Note a heartbeat; `end` is the low 32 bits of the offset that it names.

        `place` is the file and the offset up to which was read. A heartbeat there says that there
        is no more. While the server skips what was applied before, it sends heartbeats too, farther
        on: one that names the same offset as the one before says it as well.
        """
        now = self._clock()
        file, offset = place
        again = end == self._last_end
        no_more = again or end == offset & 0xFFFFFFFF
        if no_more:
            self._caught_up_at = now
        nothing_new = again and self._came_in_time(now - self._last_at)
        self._last_end, self._last_at = end, now
        self._heard_at = file, end
        self.any_on_this_connection = True
        return Heard(no_more, nothing_new)

    def farthest(self, place: tuple[str, int]) -> tuple[str, int]:
        """Return the place up to which was read, or a heartbeat's in the same file, behind it."""
        (file, offset), (heard_file, heard_offset) = place, self._heard_at
        return file, max(offset, heard_offset) if heard_file == file else offset

    def _came_in_time(self, seconds: float) -> bool:
        """Return whether a heartbeat is new, and did not wait behind the one before."""
        return self._interval_seconds / 2 < seconds < 2 * self._interval_seconds
