"""Applies chunks between the stream's batches, once the stream has passed them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import Final, Protocol

from cdc.chunks.windows import Window, Windows
from cdc.errors import (
    CdcError,
    Defect,
    PublishRefused,
    Retryable,
    TooManyDeadLetters,
    WriteRefused,
)
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.position import Position
from cdc.retry import Stopped

READ_AHEAD: Final = 2
"""The most chunks that may wait: while one is applied, the next is read."""


def _nothing() -> None:
    return None


@dataclass(slots=True, eq=False)
class PendingChunk:
    """A chunk that was read in a window, and how to apply it.

    It is due once everything before `high` is applied; without a window, at once.
    `build_transaction` runs in the main thread, while nothing else moves the target; it returns
    what to apply, or None. `on_applied` is called once the target has it. `outcome` is whether the
    chunk was applied: False if the window is void or `build_transaction` returned None; the chunk
    must then be read again.
    """

    build_transaction: Callable[[], MappedTransaction | None]
    on_applied: Callable[[], None] = _nothing
    window: Window | None = None
    high: Position | None = None
    outcome: Future[bool] = field(default_factory=Future)


class Writer(Protocol):
    """Applies batches to the target."""

    def apply(self, batch: Batch) -> None:
        """Apply a batch and its checkpoint; a filled one may be on the primary alone."""
        ...

    def settle(self) -> None:
        """Wait until a majority has all that was applied."""
        ...


_FAIL_ALONE: Final = (WriteRefused, PublishRefused, TooManyDeadLetters, Defect, Retryable)


class ChunkApplier:
    """Receives chunks from the chunk thread and applies them in the main thread, in order."""

    def __init__(self, windows: Windows, *, wake: Callable[[], None]) -> None:
        """`wake` wakes the main thread."""
        self._windows = windows
        self._wake = wake
        self._changed = threading.Condition()
        self._waiting: deque[PendingChunk] = deque()
        self._stopped = False

    def submit(self, chunk: PendingChunk) -> Future[bool]:
        """Queue a chunk, and wait while `READ_AHEAD` others do. Raises Stopped after `stop`."""
        with self._changed:
            while len(self._waiting) >= READ_AHEAD and not self._stopped:
                self._changed.wait()
            if self._stopped:
                raise Stopped
            self._waiting.append(chunk)
        self._wake()
        return chunk.outcome

    def give_up(self, chunks: Collection[PendingChunk]) -> None:
        """Drop the chunks of a window, and wait until they have ended; raises nothing.

        A chunk that is being applied is still applied.
        """
        for chunk in chunks:
            if chunk.window is not None:
                chunk.window.void = True
        self._wake()
        wait([chunk.outcome for chunk in chunks])

    def apply_due(self, writer: Writer) -> None:
        """Apply every chunk that is due.

        A chunk that the target or Kafka refuses, that meets a defect of cdc, or that cannot be
        compared with the target now, fails alone. Any other error ends the stream: the thread that
        waits for the chunk gets Stopped.
        """
        while (chunk := self._due()) is not None:
            try:
                applied = self._apply(chunk, writer)
            except _FAIL_ALONE as error:
                chunk.outcome.set_exception(error)
            except BaseException:
                chunk.outcome.set_exception(Stopped())
                raise
            else:
                chunk.outcome.set_result(applied)

    def _due(self) -> PendingChunk | None:
        with self._changed:
            if not self._waiting or not self._is_due(self._waiting[0]):
                return None
            chunk = self._waiting.popleft()
            self._changed.notify_all()
            return chunk

    def _is_due(self, chunk: PendingChunk) -> bool:
        if chunk.window is not None and chunk.window.void:
            return True
        return chunk.high is None or self._windows.applied_checkpoint.position.contains(chunk.high)

    def _apply(self, chunk: PendingChunk, writer: Writer) -> bool:
        window = chunk.window
        if window is not None:
            self._windows.close(window)
            if window.void:
                writer.settle()  # whoever takes up the job reads its progress at a majority
                return False
        try:
            transaction = _transaction_of(chunk)
        except Retryable:
            writer.settle()  # the same
            raise
        if transaction is None:
            return False
        writer.apply(Batch((transaction,), is_filled=self._has_more()))
        chunk.on_applied()
        return True

    def _has_more(self) -> bool:
        """Return whether another chunk has been read already, which will be applied next."""
        with self._changed:
            return bool(self._waiting)

    def stop(self) -> None:
        """Drop the waiting chunks; may be called from any thread."""
        with self._changed:
            self._stopped = True
            dropped = [*self._waiting]
            self._waiting.clear()
            self._changed.notify_all()
        for chunk in dropped:
            chunk.outcome.set_exception(Stopped())


def _transaction_of(chunk: PendingChunk) -> MappedTransaction | None:
    try:
        return chunk.build_transaction()
    except (CdcError, Stopped):
        raise
    except Exception as error:  # the main thread must continue with the stream
        raise Defect.of(error) from error
