"""Keeps the highest lag of each few seconds of the last half hour."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

EVERY_SECONDS: Final = 5.0
KEPT_SECONDS: Final = 1_800.0
MOST_SAMPLES: Final = int(KEPT_SECONDS / EVERY_SECONDS)

UNSEEN_SECONDS: Final = 3.0
"""Without a look for so long the process stood still: it looks each second."""

Sample = tuple[float, float | None]
"""When, by the history's clock, and the lag; None where it was unknown."""


class LagHistory:
    """The lags of one daemon: of every look, and of every batch as it lands. From any thread.

    A lag at one moment hides what was before it: a batch may land half a minute late, and the
    moment after it nothing waits. So each interval keeps the highest that was noted in it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds; it never goes back."""
        self._clock = clock
        self._lock = threading.Lock()
        self._past: deque[Sample] = deque(maxlen=MOST_SAMPLES - 1)
        self._present: _Interval | None = None

    def note(self, lag_seconds: float | None) -> None:
        """Note the lag of this moment; None if it is unknown."""
        with self._lock:
            now = self._clock()
            self._interval(now).note(now, lag_seconds)

    def samples(self) -> list[tuple[float, float | None]]:
        """Return the highest lag of each interval, the oldest first: how long ago, and the lag.

        The last is of the interval that goes on. Of a time without a look, as when the process was
        stopped, there is what is known of it afterwards; see `_Interval.unseen`.
        """
        with self._lock:
            now = self._clock()
            present = self._present.samples() if self._present else ()
            found = [*self._past, *present][-MOST_SAMPLES:]
        return [(now - at, lag) for at, lag in found if now - at <= KEPT_SECONDS]

    def _interval(self, now: float) -> _Interval:
        """Return the interval of `now`, after those that have ended were put to the past."""
        present = self._present
        if present is None:
            self._present = present = _Interval(now, None)
        elif now - present.last_at > UNSEEN_SECONDS:
            self._past.extend(present.samples())
            self._present = present = _Interval(now, present.last_at)
        elif now - present.began_at >= EVERY_SECONDS:
            self._past.extend(present.samples())
            self._present = present = _Interval(now, None)
        return present


class _Interval:
    """The lags of some seconds; before it nobody looked from `unseen_since` on, if not None."""

    def __init__(self, began_at: float, unseen_since: float | None) -> None:
        self.began_at = self.last_at = began_at
        self._unseen_since = unseen_since
        self._highest: float | None = None
        self._waited_since: float | None = None
        """When the transaction was committed that has waited for longest."""

    def note(self, now: float, lag: float | None) -> None:
        self.last_at = now
        if lag is None:
            return
        self._highest = max(lag, self._highest or 0.0)
        if lag > 0:
            since = now - lag
            self._waited_since = min(since, self._waited_since or since)

    def samples(self) -> Iterator[Sample]:
        yield from self.unseen()
        yield self.last_at, self._highest

    def unseen(self) -> Iterator[Sample]:
        """Yield the time before it, if nobody looked.

        Nothing was applied then. So what is found waiting at its end has waited since its commit,
        and the lag grew from then on. Of the time before that commit nothing is known: None, since
        a 0 would claim that somebody had looked.
        """
        if self._unseen_since is None:
            return
        at = self._unseen_since + EVERY_SECONDS
        while at < self.began_at:
            since = self._waited_since
            yield at, None if since is None or at <= since else at - since
            at += EVERY_SECONDS
