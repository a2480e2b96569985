"""Copies one range: each chunk is written with the range's progress, while the next one is read."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import replace
from typing import Final, Protocol

from cdc.chunks.first_copy.range_reader import RangeReader, ReadChunk
from cdc.chunks.table import MappedChunk
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.first_copy import KeyRange
from cdc.writers.ranges import progress

TURN_SECONDS: Final = 1.0
"""The interval at which the lease is looked after while a chunk is read."""


class Writer(Protocol):
    """Holds the range, and writes to the target."""

    def apply(self, batch: Batch) -> None:
        """Apply a batch and its checkpoint."""
        ...

    def renew_lease(self) -> None:
        """Renew the lease if it is time."""
        ...


class RangeCopy:
    """One range, from where it stands to its end."""

    def __init__(self, range_: KeyRange, reader: RangeReader, writer: Writer) -> None:
        self._range = range_
        self._reader = reader
        self._writer = writer

    def run(self, turn: Callable[[], None]) -> None:
        """Copy the rest of the range; `turn` is called at least each second.

        Raises what reading and writing raise: then the range is as the last chunk left it.
        """
        reading, finished = self._reader.read(self._range.after, self._range.seen), False
        began = time.monotonic()
        while not finished:
            read = self._wait_for(reading, turn)
            now = time.monotonic()
            self._range = _behind(self._range, read.chunk, now - began)
            finished, began = read.chunk.finished, now
            if not finished:
                reading = self._reader.read(self._range.after, self._range.seen)
            self._writer.apply(Batch((self._transaction(read),), is_filled=not finished))
            turn()

    def _wait_for(self, reading: Future[ReadChunk], turn: Callable[[], None]) -> ReadChunk:
        while not wait([reading], TURN_SECONDS).done:
            self._writer.renew_lease()
            turn()
        return reading.result()

    def _transaction(self, read: ReadChunk) -> MappedTransaction:
        """Return what writes a chunk with the range's progress.

        The range's position is what the read held: the next one must hold it, too.
        """
        chunk = read.chunk
        return MappedTransaction(
            "",
            Checkpoint(self._range.seen),
            None,
            tuple(chunk.documents.items()),
            writes=(progress(self._range, is_last=chunk.finished),),
            origins=tuple(
                read.origins[name].of_chunk(chunk.failures.get(name, ()))
                for name in chunk.documents
            ),
        )


def _behind(range_: KeyRange, chunk: MappedChunk, seconds: float) -> KeyRange:
    """Return the range once a chunk of it was read."""
    return replace(
        range_,
        after=range_.after if chunk.last is None else chunk.last,
        seen=chunk.high or range_.seen,
        rows=range_.rows + chunk.rows,
        seconds=range_.seconds + seconds,
    )
