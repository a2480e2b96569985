"""When transactions were committed, where the binlog tells only what their sessions said.

MySQL's GTID event has the time of the commit. MariaDB's events have the session's time at the
start of the statement, all of them, GTID and XID too: `SET timestamp` moves it by years, and a
replica logs the time of its primary. No event of MariaDB 10.11 or 11.8 holds another.

So the time that is told is held against what the stream proves: a transaction that is delivered
was committed before now, after the file began that holds it, and, where the source had said "that
is all", after that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

SLACK_SECONDS: Final = 60.0
"""By how much a told time may be off before it is doubted: links stall, statements take a while."""


class CommitTimes:
    """Judges the told times of a source's transactions, in their order, across connections."""

    def __init__(self, now: Callable[[], float | None]) -> None:
        """`now` is the source's time, in seconds since the epoch; None where it is not known."""
        self._now = now
        self._after: float | None = None
        self._previous: float | None = None

    def read_all(self) -> None:
        """Learn that the source has nothing more: what comes later is committed later."""
        self._learn(self._now())

    def file_begun(self, at: float) -> None:
        """Learn when the file was created whose transactions come next, unless that is to come."""
        now = self._now()
        if now is not None and at <= now:
            self._learn(at)

    def judged(self, told: float) -> float:
        """Return the time of the next transaction's commit: as told, or the nearest that can be.

        A time too early is taken for that of the transaction before, or of the last proof.
        """
        now, proof = self._now(), self._after
        found = told
        if proof is not None and told < proof - SLACK_SECONDS:
            found = max(proof, self._previous or proof)
        if now is not None and found > now + SLACK_SECONDS:
            found = now
        self._previous = found
        return found

    def _learn(self, at: float | None) -> None:
        if at is not None:
            self._after = max(at, self._after or at)
