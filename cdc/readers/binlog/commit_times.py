"""The commit times of transactions, if the binlog has only what their sessions set.

MySQL's GTID event has the time of the commit. MariaDB's events, GTID and XID too, have the
session's time at the start of the statement: `SET timestamp` moves it by years, and a replica logs
the time of its primary. No event of MariaDB 10.11 or 11.8 holds another.

So the logged time is checked against what the stream proves. A delivered transaction was committed
before now, after its file began, and after the source last reported the end of its log.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cdc.model.telemetry import MOST_AHEAD_SECONDS

SLACK_SECONDS: Final = 60.0
"""Tolerance in seconds before a logged time is doubted: links stall, statements take a while."""


class CommitTimes:
    """Checks the logged commit times of a source's transactions, in order, across connections."""

    def __init__(self, now: Callable[[], float | None]) -> None:
        """`now` is the source's time, in seconds since the epoch; None if it is not known."""
        self._now = now
        self._after: float | None = None
        self._previous: float | None = None

    def read_all(self) -> None:
        """Note that the source has nothing more: what comes later is committed later."""
        self._learn(self._now())

    def file_begun(self, at: float) -> None:
        """Note when the file of the next transactions was created, unless that is in the future."""
        now = self._now()
        if now is not None and at <= now:
            self._learn(at)

    def clock_moved(self, seconds: float) -> None:
        """Note that the source's clock was set, forward or back: what it told before moves, too."""
        if self._after is not None:
            self._after += seconds
        if self._previous is not None:
            self._previous += seconds

    def judged(self, told: float) -> float:
        """Return the time of the next transaction's commit: as logged, or the nearest possible one.

        A time too early is replaced by that of the transaction before, or of the last proof.
        """
        now, proof = self._now(), self._after
        found = told
        if proof is not None and told < proof - SLACK_SECONDS:
            found = max(proof, self._previous or proof)
        if now is not None and found > now + MOST_AHEAD_SECONDS:
            found = now
        self._previous = found
        return found

    def _learn(self, at: float | None) -> None:
        if at is not None:
            self._after = max(at, self._after or at)
