"""One job at work: walks through a table, or its documents, chunk by chunk."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

from cdc.chunks.applier import READ_AHEAD, ChunkApplier, ChunkResult, PendingChunk
from cdc.chunks.stats import CopyCounters
from cdc.chunks.windows import Window, Windows
from cdc.model.dead_letter import UNKNOWN, Origin
from cdc.model.job import ENDED, JOBS, Job, JobState, Progress
from cdc.model.operation import Operation
from cdc.model.position import Position
from cdc.model.state_change import StateWrite


class Change(NamedTuple):
    """Operations on a collection."""

    collection: str
    operations: Sequence[Operation]
    origin: Origin = UNKNOWN


Changes = tuple[Change, ...]

WINDOW_RETRY_SECONDS = 0.05
"""How soon to look again for the end of a large transaction that is being applied."""


class ScanStep(NamedTuple):
    """What was read behind a cursor, up to and including `cursor`, and what to do with it.

    `settle` is called in the main thread once the stream has passed `high`, at once without one; it
    is given the
    progress so far and returns what to write and the progress behind it.
    """

    cursor: Any
    finished: bool
    high: Position | None
    settle: Callable[[Progress], tuple[Changes, Progress]]


class TableScan:
    """Keeps a job's progress; it is saved with each chunk, in the chunk's own transaction."""

    def __init__(
        self,
        job: Job,
        *,
        windows: Windows,
        applier: ChunkApplier,
        before_each: Callable[[], None],
        wait: Callable[[float], None],
        counters: CopyCounters | None = None,
    ) -> None:
        """`before_each` may hold a chunk back, or raise where the job must be left alone.

        `wait` waits so many seconds; it raises Stopped where the daemon stops meanwhile. `counters`
        learns of each step.
        """
        self._counters = counters or CopyCounters()
        self.job = job
        self.progress = job.progress or Progress()
        self._windows = windows
        self._applier = applier
        self._before_each = before_each
        self._wait = wait

    def run(
        self, read: Callable[[Any, Window], ScanStep], enough: Callable[[], bool] = lambda: False
    ) -> bool:
        """Read from the saved cursor to the end, each chunk in a window of its own.

        While one chunk waits for the stream the next is read. Where a window was void, reading
        goes back to what was settled. Once there is `enough`, stop behind what was read and
        return False.
        """
        cursor, finished = self.progress.cursor, False
        with self._outstanding() as outstanding:
            while outstanding or not finished:
                reading = not finished and not enough()
                if not reading and not outstanding:
                    return False
                if reading and len(outstanding) < READ_AHEAD:
                    self._before_each()
                    step, chunk = self._read(read, cursor)
                    self._applier.submit(chunk)
                    outstanding.append(chunk)
                    cursor, finished = step.cursor, step.finished
                elif not outstanding.popleft().outcome.result():
                    for each in outstanding:
                        each.outcome.result()
                    outstanding.clear()
                    cursor, finished = self.progress.cursor, False
        return True

    @contextmanager
    def _outstanding(self) -> Iterator[deque[PendingChunk]]:
        """Give room for the chunks that wait to be settled; none is left behind, come what may.

        What is saved must stay as it is once the job is left: another scan goes on from there.
        """
        chunks: deque[PendingChunk] = deque()
        try:
            yield chunks
        except BaseException:
            self._applier.give_up(chunks)
            raise

    def _read(
        self, read: Callable[[Any, Window], ScanStep], cursor: Any
    ) -> tuple[ScanStep, PendingChunk]:
        window = self._open()
        try:
            step = read(cursor, window)
        except BaseException:
            self._windows.close(window)
            raise
        return step, PendingChunk(partial(self._settle, step, cursor), window, step.high)

    @contextmanager
    def window(self) -> Iterator[Window]:
        """Give a window for a look that settles nothing."""
        window = self._open()
        try:
            yield window
        finally:
            self._windows.close(window)

    def _open(self) -> Window:
        """Open a window, waiting for the end of a large transaction."""
        while (window := self._windows.open()) is None:
            self._wait(WINDOW_RETRY_SECONDS)
        return window

    def _settle(self, step: ScanStep, before: Any) -> ChunkResult | None:
        """Settle a step; None where the one before it was not."""
        if self.progress.cursor != before:
            return None
        changes, progress = step.settle(self.progress)
        progress = _timed(replace(progress, cursor=step.cursor))
        return ChunkResult(
            tuple((each.collection, each.operations) for each in changes),
            (self._saved(progress),),
            tuple(each.origin for each in changes),
            partial(self._has_come_to, progress),
        )

    def _has_come_to(self, progress: Progress) -> None:
        self.progress = progress
        self._counters.at(self.job, progress)

    def advance(self, **change: Any) -> None:
        """Set what a phase begins with."""

        def settle() -> ChunkResult:
            progress = replace(self.progress, **change)
            return ChunkResult(
                (), (self._saved(progress),), applied=partial(self._has_come_to, progress)
            )

        self._applier.submit(PendingChunk(settle)).result()

    def move(self, state: JobState, error: str | None = None) -> None:
        """Say where the job stands, unless somebody has paused or cancelled it meanwhile."""
        query = {
            "_id": self.job.id,
            "state": {"$in": [JobState.QUEUED.value, JobState.RUNNING.value]},
        }
        progress = _timed(self.progress)
        if state in ENDED:
            progress = replace(progress, cursor=None)
        change = {"state": state.value, "error": error, "progress": progress.to_document()}
        write = StateWrite(JOBS, query, {"$set": change})
        self._applier.submit(PendingChunk(lambda: ChunkResult((), (write,)))).result()

    def _saved(self, progress: Progress) -> StateWrite:
        """Save the progress; not of a job that was given up: its cursor must not come back."""
        query = {"_id": self.job.id, "state": {"$nin": [each.value for each in ENDED]}}
        return StateWrite(JOBS, query, {"$set": {"progress": progress.to_document()}})


def _timed(progress: Progress) -> Progress:
    elapsed = datetime.now(UTC) - progress.started_at
    return replace(progress, seconds=round(elapsed.total_seconds(), 3))
