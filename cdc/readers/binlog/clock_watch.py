"""Knows the source's clock, and notices when that was set."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog

from cdc.errors import CdcError
from cdc.model.telemetry import MOST_AHEAD_SECONDS
from cdc.readers.binlog.commit_times import CommitTimes
from cdc.readers.server.clock import SourceClock

MOVED_SECONDS: Final = MOST_AHEAD_SECONDS
"""A clock that is off by more was set, or has drifted; by less, it was read a little late."""
MOVED_AGAIN_SECONDS: Final = 2.0
"""So long nobody asks again after it was found to have moved: a slow link makes it look so, and of
several servers behind one address each answers by its own."""
ASK_AGAIN_SECONDS: Final = 60.0
"""So long nobody asks again after the clock was found to be right: sessions may set their times."""

log = structlog.get_logger(__name__)


class ClockWatch:
    """The clock of the server that is read, and the commit times that it dates.

    It is read with each connection. A transaction that comes from its future, or that is dated
    before the one before it, says that it may have been set since then: then it is read again.
    Until it is, the lag would be wrong by as much.
    """

    def __init__(
        self, ask: Callable[[], float], steady: Callable[[], float] = time.monotonic
    ) -> None:
        """`ask` asks the server how far it is ahead of the local wall clock now, in seconds.

        `steady` is a clock that never jumps.
        """
        self._ask_server = ask
        self._steady = steady
        self._clock = SourceClock(steady=steady)
        self._previous: float | None = None
        self._ask_at = 0.0
        self.times = CommitTimes(self._clock.now)

    @property
    def offset_seconds(self) -> float | None:
        """Return how far the source is ahead of the local wall clock; None if unknown."""
        return self._clock.offset_seconds

    def was_ahead_by(self, seconds: float) -> float:
        """Record how far it is ahead of the local wall clock now; return by how much it moved."""
        moved = self._clock.was_ahead_by(seconds)
        self.times.clock_moved(moved)
        self._previous = None
        return moved

    def see(self, committed_at: float, *, by_server: bool) -> None:
        """Take the commit time of the next transaction as it is logged; ask if it cannot be.

        `by_server`: it is by the server's clock, whatever time a session has set.
        """
        previous = self._previous
        went_back = previous is not None and committed_at < previous - MOVED_SECONDS
        if (went_back or self._ahead(committed_at)) and self._steady() >= self._ask_at:
            self._ask(committed_at if by_server else None)
        self._previous = committed_at

    def _ahead(self, committed_at: float) -> float:
        """Return by how much a time is too far in the source's future; 0 if it is not."""
        now = self._clock.now()
        ahead = 0.0 if now is None else committed_at - now
        return ahead if ahead > MOVED_SECONDS else 0.0

    def _ask(self, reached: float | None) -> None:
        """Ask the server; of one that refuses, the clock shows what it has `reached` at least."""
        moved = 0.0
        try:
            moved = self.was_ahead_by(self._ask_server())
        except CdcError as error:  # the stream itself holds
            log.debug("clock_not_read", error=error.message)
            if reached is not None and (ahead := self._ahead(reached)):
                moved = self.was_ahead_by((self.offset_seconds or 0.0) + ahead)
        has_moved = abs(moved) > MOVED_SECONDS
        if has_moved:
            log.info("source_clock_moved", seconds=round(moved, 3))
        self._ask_at = self._steady() + (MOVED_AGAIN_SECONDS if has_moved else ASK_AGAIN_SECONDS)
