"""Rows that keep changing, and the search for them on the other side."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from random import Random

from cdc_sandbox.demo.connections import Collection
from cdc_sandbox.demo.environment import Stage
from cdc_sandbox.demo.freshness import Freshness
from cdc_sandbox.demo.workload import Workload

_RATE_WINDOW_SECONDS = 3.0
_JOIN_SECONDS = 5.0


class Traffic:
    """The workload and the search for its rows, each in a thread; both end with the block."""

    def __init__(self, stage: Stage, *, seed: int, transactions_per_second: float) -> None:
        """Look at what the tables hold; nothing is changed yet."""
        self.freshness = Freshness(stage.database["users"])
        self._stage = stage
        self._pauses = Random(seed)
        self._transactions_per_second = transactions_per_second
        self._seed = seed
        self._stop = threading.Event()
        self._changing = threading.Lock()
        self._failure: BaseException | None = None
        self._rows = 0
        self._history: deque[tuple[float, int]] = deque()
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,), daemon=True)
            for work in (self._change, lambda: self.freshness.watch(self._stop))
        ]

    def start(self) -> None:
        """Begin to change rows."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop changing rows; the transaction in flight is finished."""
        self._stop.set()
        for thread in self._threads:
            thread.join(_JOIN_SECONDS)

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Change no rows meanwhile."""
        with self._changing:
            yield

    def check(self) -> None:
        """Raise what ended one of the threads."""
        if self._failure is not None:
            raise self._failure

    def line(self, users: Collection, tweets: Collection) -> str:
        """Return the state in one line, short enough for 80 columns."""
        behind = self.freshness.behind_seconds()
        lag = "lag not yet measured" if behind is None else f"{shown_seconds(behind)} behind"
        return (
            f"{self._rows:,} rows changed, {self._rows_per_second():.0f}/s → MongoDB: "
            f"{users.estimated_document_count():,} users, "
            f"{tweets.estimated_document_count():,} tweets, {lag}"
        )

    def summary(self) -> str:
        """Return what happened, in one line."""
        times = [self.freshness.percentile(share) for share in (0.5, 0.99)]
        lag = ", ".join(
            f"{name} {shown_seconds(seconds)}"
            for name, seconds in zip(("p50", "p99"), times, strict=True)
            if seconds is not None
        )
        return f"{self._rows:,} rows changed; from commit to MongoDB: {lag or 'not measured'}"

    def _change(self) -> None:
        with closing(self._stage.source.connect(autocommit=False)) as connection:
            workload = Workload(connection, seed=self._seed)
            while not self._stop.wait(self._pauses.expovariate(self._transactions_per_second)):
                with self._changing:
                    sighting = workload.step()
                self._rows = workload.counts.rows
                if sighting is not None:
                    self.freshness.committed(sighting)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - the main thread raises it again
            self._failure = error

    def _rows_per_second(self) -> float:
        now = time.monotonic()
        self._history.append((now, self._rows))
        while now - self._history[0][0] > _RATE_WINDOW_SECONDS and len(self._history) > 2:
            self._history.popleft()
        began, rows = self._history[0]
        return (self._rows - rows) / (now - began) if now > began else 0.0


def shown_seconds(seconds: float) -> str:
    """Return a duration as people read it: `8 ms`, `1.4 s`."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
