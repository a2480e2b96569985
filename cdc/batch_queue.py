"""Passes mapped transactions from the reading thread to the writing thread, in batches.

The writer takes what gathered while it wrote the previous batch. So batches grow with the load, and
at low load a transaction waits no longer than the linger time.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from cdc.model.batch import Batch, BatchEntry
from cdc.model.telemetry import Backlog

ENTRY_BYTES: Final = 1024
"""The cost of an entry beside its documents, mainly its own checkpoint."""

IDLE_LINGER_SECONDS: Final = 1.0
"""The longest wait of transactions without operations: they only move the checkpoint."""

EMPTY: Final = Batch(())
"""Returned by `take` when there is nothing to do."""


class Closed(Exception):
    """The other side has ended."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a batch is full, and how long one that is not full waits for more."""

    operations: int
    byte_size: int
    linger_seconds: float


class BatchQueue:
    """A bounded buffer of mapped transactions between two threads.

    It holds at most one full batch, and one more entry. A transaction that clears collections is a
    barrier: it is a batch of its own, and no batch crosses it.
    """

    def __init__(
        self,
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
        *,
        landed: Callable[[float], None] = lambda _: None,
    ) -> None:
        """`clock` counts seconds, for the linger time.

        `landed` is called, in the writing thread, when a batch has been applied: with the time at
        which the source committed the oldest of it.
        """
        self._limits = limits
        self._landed = landed
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: deque[BatchEntry] = deque()
        self._operations = 0
        self._byte_size = 0
        self._barriers = 0
        self._first_at = 0.0
        self._woken = False
        self._crowded = False
        self._taken: Batch = EMPTY
        self._closed = False
        self._error: BaseException | None = None

    def put(self, entry: BatchEntry) -> None:
        """Add an entry; wait while the buffer is full. Raises Closed after `close`.

        A run that is larger than a batch is to be is taken apart; one that does not fit beside what
        waits is of the next batch.
        """
        operations = entry.operation_count
        is_run = entry.completed > 1
        if is_run and self._exceed(operations, entry.byte_size + ENTRY_BYTES):
            for each in entry.transactions():
                self.put(each)
            return
        with self._changed:
            while (self._full() or (is_run and self._is_crowded_by(entry))) and not self._closed:
                self._changed.wait()
            if self._closed:
                raise Closed
            was_urgent = self._operations > 0
            if not self._waiting:
                self._first_at = self._clock()
            self._waiting.append(entry)
            self._barriers += bool(entry.clears)
            self._operations += operations
            self._byte_size += entry.byte_size + ENTRY_BYTES
            first = len(self._waiting) == 1
            if (operations and not was_urgent) or first or entry.clears or self._full():
                self._changed.notify_all()

    def take(self, within_seconds: float | None = None) -> Batch | None:
        """Wait for a batch and return it; None once the reading side has ended without an error.

        Returns EMPTY after `wake`, and if no batch is due `within_seconds`. If the reading side
        failed, what it had put is returned first; then its error is raised.
        """
        until = None if within_seconds is None else self._clock() + within_seconds
        if (committed_at := _oldest(self._taken.entries)) is not None:
            self._landed(committed_at)
        with self._changed:
            self._taken = EMPTY
            while not self._ripe():
                if not self._waiting and (self._closed or self._error is not None):
                    if self._error is not None and not self._closed:
                        raise self._error
                    return None
                if self._woken:
                    self._woken = False
                    return EMPTY
                left = None if until is None else until - self._clock()
                if left is not None and left <= 0:
                    return EMPTY
                waits = [each for each in (self._linger_left(), left) if each is not None]
                self._changed.wait(min(waits, default=None))
            return self._cut()

    def waited_seconds(self, now: float) -> float:
        """Return the age of the oldest waiting transaction that changes anything; 0 if none does.

        `now` is the source's time, as in `committed_at`.
        """
        with self._changed:
            committed_at = _oldest(self._waiting)
        return 0.0 if committed_at is None else max(0.0, now - committed_at)

    def wake(self) -> None:
        """Make `take` return, with an empty batch if there is nothing to do."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def _ripe(self) -> bool:
        if not self._waiting or self._closed:
            return False
        at_once = self._error is not None or self._barriers > 0 or self._crowded
        return at_once or self._full() or self._linger_left() == 0

    def _linger_left(self) -> float | None:
        """Return how much longer transactions may linger, in seconds; None if none waits."""
        if not self._waiting:
            return None
        linger = self._limits.linger_seconds if self._operations else IDLE_LINGER_SECONDS
        return max(0.0, self._first_at + linger - self._clock())

    def _full(self) -> bool:
        limits = self._limits
        return self._operations >= limits.operations or self._byte_size >= limits.byte_size

    def _exceed(self, operations: int, byte_size: int) -> bool:
        return operations > self._limits.operations or byte_size > self._limits.byte_size

    def _is_crowded_by(self, run: BatchEntry) -> bool:
        """Return whether a run does not fit beside what waits; that lingers no longer then."""
        byte_size = self._byte_size + run.byte_size + ENTRY_BYTES
        crowded = self._exceed(self._operations + run.operation_count, byte_size)
        if not crowded or not self._waiting:
            return False
        self._crowded = True
        self._changed.notify_all()
        return True

    def _cut(self) -> Batch:
        filled = self._crowded or self._full()
        self._crowded = False
        batch = Batch(tuple(self._waiting), filled) if not self._barriers else self._up_to_barrier()
        self._taken = batch
        for _ in batch.entries:
            self._waiting.popleft()
        self._barriers -= len([each for each in batch.entries if each.clears])
        self._operations = sum(each.operation_count for each in self._waiting)
        self._byte_size = sum(each.byte_size + ENTRY_BYTES for each in self._waiting)
        self._changed.notify_all()
        return batch

    def _up_to_barrier(self) -> Batch:
        before = tuple(takewhile(lambda each: not each.clears, self._waiting))
        return Batch(before or (self._waiting[0],))

    def backlog(self) -> Backlog:
        """Return what was put and is not applied; a batch is applied at the next `take`."""
        with self._changed:
            entries = (*self._taken.entries, *self._waiting)
            return Backlog(
                transactions=sum([max(1, each.completed) for each in entries]),
                operations=self._taken.operations + self._operations,
                oldest_committed_at=_oldest(entries),
            )

    def fail(self, error: BaseException) -> None:
        """End the reading side with `error`, raised once the writer has taken what was put."""
        with self._changed:
            self._error = error
            self._changed.notify_all()

    def close(self) -> None:
        """End both sides: waiting transactions are dropped, and will be read again."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._operations = self._byte_size = self._barriers = 0
            self._changed.notify_all()


def _oldest(entries: Iterable[BatchEntry]) -> float | None:
    """Return when the source committed the first that changes anything; None if none does.

    One that changes nothing lingers for a second, and the target lacks nothing meanwhile.
    """
    return next((each.first_committed_at for each in entries if _changes_anything(each)), None)


def _changes_anything(entry: BatchEntry) -> bool:
    return bool(entry.operation_count or entry.clears or entry.messages)
