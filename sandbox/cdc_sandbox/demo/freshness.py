"""How far the target is behind, by looking for committed rows there until they are seen."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

from cdc_sandbox.demo.connections import Collection
from cdc_sandbox.demo.expectation import bigint
from cdc_sandbox.demo.workload import Sighting

_POLL_SECONDS = 0.005
_REMEMBERED = 2_000


class Freshness:
    """Follows one committed transaction at a time until its user's document shows it."""

    def __init__(self, users: Collection) -> None:
        """Take the collection that the users are replicated to."""
        self.latencies: deque[float] = deque(maxlen=_REMEMBERED)
        self._users = users
        self._lock = threading.Lock()
        self._followed: Sighting | None = None
        self._next: Sighting | None = None

    def committed(self, sighting: Sighting) -> None:
        """Take a transaction to look for, once the one being looked for is found."""
        with self._lock:
            if self._followed is None:
                self._followed = sighting
            else:
                self._next = sighting

    def behind_seconds(self) -> float | None:
        """Return the age of what is not seen yet, else how long the last took; None at first."""
        with self._lock:
            pending = self._followed
            last = self.latencies[-1] if self.latencies else None
        if pending is None:
            return last
        age = time.monotonic() - pending.committed_at
        return age if last is None else max(age, last)

    def percentile(self, share: float) -> float | None:
        """Return the latency that this share of the last transactions kept to."""
        ordered = sorted(self.latencies)
        return ordered[int(share * (len(ordered) - 1))] if ordered else None

    def watch(self, stop: threading.Event) -> None:
        """Look until `stop` is set; runs in a thread of its own."""
        while not stop.wait(_POLL_SECONDS):
            if self._followed is not None and self.arrived(self._followed):
                self._found(self._followed)

    def wait_for(self, sighting: Sighting, *, still_possible: Callable[[], bool]) -> bool:
        """Wait until a transaction is seen; False if it no longer can be."""
        while not self.arrived(sighting):
            if not still_possible():
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def arrived(self, sighting: Sighting) -> bool:
        """Return whether the user's document is as new as the transaction."""
        document = self._users.find_one({"_id": bigint(sighting.user_id)}, {"updated_at": 1})
        return document is not None and _utc(document["updated_at"]) >= _milliseconds(
            _utc(sighting.updated_at)
        )

    def _found(self, sighting: Sighting) -> None:
        with self._lock:
            self.latencies.append(time.monotonic() - sighting.committed_at)
            self._followed, self._next = self._next, None


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _milliseconds(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
