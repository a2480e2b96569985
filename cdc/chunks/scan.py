"""Runs one job: reads a table, or its documents, chunk by chunk."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from cdc.chunks.applier import READ_AHEAD, ChunkApplier, PendingChunk
from cdc.chunks.stats import CopyCounters
from cdc.chunks.table import Changes, MappedChunk
from cdc.chunks.windows import Window, Windows
from cdc.model.batch import MappedTransaction
from cdc.model.job import ENDED, JOBS, Job, JobState, Progress
from cdc.model.message import Message
from cdc.model.state_change import StateWrite

Read = Callable[[Any, Window], MappedChunk]
"""Reads what follows a cursor."""

MakeChanges = Callable[[MappedChunk, Window, Progress], tuple[Changes, Progress]]
"""Returns the changes of a part and the progress then; the stream has passed the part."""

WINDOW_RETRY_SECONDS = 0.05
"""The delay before another look for the end of a large transaction that is being applied."""


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
        """`before_each` may delay a chunk, or raise if the job must be left alone.

        `wait` waits so many seconds; it raises Stopped if the daemon stops meanwhile. `counters`
        records each step.
        """
        self._counters = counters or CopyCounters()
        self.job = job
        self.progress = self._pending_progress = job.progress or Progress()
        self._windows = windows
        self._applier = applier
        self._before_each = before_each
        self._wait = wait

    def run(
        self, read: Read, make_changes: MakeChanges, enough: Callable[[], bool] = lambda: False
    ) -> bool:
        """Read from the saved cursor to the end, each chunk in a window of its own.

        While one chunk waits for the stream the next is read; `make_changes` is called in the main
        thread. If a window was void, reading goes back to the last applied chunk. Once there is
        `enough`, stop behind what was read and return False.
        """
        cursor, finished = self.progress.cursor, False
        with self._outstanding() as outstanding:
            while outstanding or not finished:
                reading = not finished and not enough()
                if not reading and not outstanding:
                    return False
                if reading and len(outstanding) < READ_AHEAD:
                    self._before_each()
                    part, chunk = self._read(read, make_changes, cursor)
                    self._applier.submit(chunk)
                    outstanding.append(chunk)
                    cursor, finished = _after(part, cursor), part.finished
                elif not _is_applied(outstanding.popleft()):
                    for each in outstanding:
                        each.outcome.result()
                    outstanding.clear()
                    cursor, finished = self.progress.cursor, False
        return True

    @contextmanager
    def _outstanding(self) -> Iterator[deque[PendingChunk]]:
        """Yield a queue for the chunks that wait to be applied; none is left over in any case.

        The saved progress must not change once the job is left: another scan continues from there.
        """
        chunks: deque[PendingChunk] = deque()
        try:
            yield chunks
        except BaseException:
            self._applier.give_up(chunks)
            raise

    def _read(
        self, read: Read, make_changes: MakeChanges, cursor: Any
    ) -> tuple[MappedChunk, PendingChunk]:
        window = self._open()
        try:
            part = read(cursor, window)
        except BaseException:
            self._windows.close(window)
            raise
        build = partial(self._build, make_changes, part, window, cursor)
        return part, PendingChunk(build, self._on_applied, window, part.high)

    @contextmanager
    def window(self) -> Iterator[Window]:
        """Yield a window for a read that changes nothing."""
        window = self._open()
        try:
            yield window
        finally:
            self._windows.close(window)

    def _open(self) -> Window:
        """Open a window; wait for the end of a large transaction."""
        while (window := self._windows.open()) is None:
            self._wait(WINDOW_RETRY_SECONDS)
        return window

    def _build(
        self, make_changes: MakeChanges, part: MappedChunk, window: Window, before: Any
    ) -> MappedTransaction | None:
        """Return what was read behind a cursor; None if the chunk before was not applied."""
        if self.progress.cursor != before:
            return None
        changes, progress = make_changes(part, window, self.progress)
        self._pending_progress = _timed(replace(progress, cursor=_after(part, before)))
        messages = window.unpublished(part.told(changes))
        return self._transaction(self._saved(self._pending_progress), changes, messages)

    def _save_progress(self, progress: Progress) -> MappedTransaction:
        """Return a transaction that saves a progress."""
        self._pending_progress = progress
        return self._transaction(self._saved(progress))

    def _transaction(
        self, write: StateWrite, changes: Changes = (), messages: Sequence[Message] = ()
    ) -> MappedTransaction:
        """Return a transaction at the stream's position: it leaves the checkpoint as it is."""
        return MappedTransaction(
            "",
            self._windows.applied_checkpoint,
            self._windows.committed_at,
            tuple((collection, operations) for collection, operations, _ in changes),
            writes=(write,),
            origins=tuple(origin for _, _, origin in changes),
            messages=tuple(messages),
        )

    def _on_applied(self) -> None:
        """Continue from the last applied chunk: no other is applied until the target has it."""
        self.progress = self._pending_progress
        self._counters.at(self.job, self.progress)

    def advance(self, **change: Any) -> None:
        """Set the first progress of a phase."""

        def build() -> MappedTransaction:
            return self._save_progress(replace(self.progress, **change))

        self._applier.submit(PendingChunk(build, self._on_applied)).result()

    def move(self, state: JobState, error: str | None = None) -> None:
        """Set the job's state, unless somebody has paused or cancelled it meanwhile."""
        query = {
            "_id": self.job.id,
            "state": {"$in": [JobState.QUEUED.value, JobState.RUNNING.value]},
        }
        progress = _timed(self.progress)
        if state in ENDED:
            progress = replace(progress, cursor=None)
        change = {"state": state.value, "error": error, "progress": progress.to_document()}
        write = StateWrite(JOBS, query, {"$set": change})
        self._applier.submit(PendingChunk(lambda: self._transaction(write))).result()

    def _saved(self, progress: Progress) -> StateWrite:
        """Save the progress, but not of a cancelled job: its cursor must not come back."""
        query = {"_id": self.job.id, "state": {"$nin": [each.value for each in ENDED]}}
        return StateWrite(JOBS, query, {"$set": {"progress": progress.to_document()}})


def _is_applied(chunk: PendingChunk) -> bool:
    """Wait for a chunk; return whether it was applied.

    This holds the chunk to its end, so that the thousands of its operations are freed here, not in
    the main thread, which has the next chunk to write.
    """
    return chunk.outcome.result()


def _after(part: MappedChunk, cursor: Any) -> Any:
    """Return the cursor behind a part that was read from another one on."""
    return cursor if part.last is None else part.last


def _timed(progress: Progress) -> Progress:
    elapsed = datetime.now(UTC) - progress.started_at
    return replace(progress, seconds=round(elapsed.total_seconds(), 3))
