"""Reads one range of a table chunk by chunk, in a thread of its own, and waits for the source."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from types import TracebackType
from typing import Final, NamedTuple, Self

from cdc.chunks.source_table import SourceTable, SourceTables, Within
from cdc.chunks.table import MappedChunk
from cdc.chunks.throttle import Throttle
from cdc.chunks.windows import Window
from cdc.errors import Retryable
from cdc.model.checkpoint import Checkpoint
from cdc.model.dead_letter import Origin
from cdc.model.first_copy import Key, KeyRange
from cdc.model.job import Job, JobKind
from cdc.model.position import Position
from cdc.retry import Stopped, retry_until_done

GIVE_BACK_SECONDS: Final = 30.0
"""The limit of waits for the source while a range is held: another worker may reach it."""


class ReadChunk(NamedTuple):
    """A chunk, and the origin of each collection's documents."""

    chunk: MappedChunk
    origins: Mapping[str, Origin]


class RangeReader:
    """Reads a range; the thread lives as long as its context."""

    def __init__(
        self,
        tables: Callable[[Position], SourceTables],
        throttle: Throttle,
        stream: str,
        range_: KeyRange,
        stopping: threading.Event,
    ) -> None:
        """Read `range_`; `stopping` ends every wait.

        `tables` opens tables on servers that have a position.
        """
        self._tables = tables
        self._throttle = throttle
        self._job = Job.request(stream, JobKind.BACKFILL, range_.table, by="worker")
        self._within = Within(range_.order, range_.last)
        self._stopping = stopping
        self._give_back_at = math.inf
        self._opened: ExitStack | None = None
        self._table: SourceTable | None = None
        self._thread = ThreadPoolExecutor(1, "reading")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._thread.submit(self._close)
        self._thread.shutdown(wait=True, cancel_futures=False)

    def read(self, after: Key | None, seen: Position) -> Future[ReadChunk]:
        """Begin to read the rows behind `after`, at a moment that holds `seen`.

        The result is the chunk; or Stopped, Retryable if the source cannot be read for a while, or
        an error that an operator must decide.
        """
        return self._thread.submit(self._read_in_time, after, seen)

    def _read_in_time(self, after: Key | None, seen: Position) -> ReadChunk:
        self._throttle.wait(self._wait)
        self._give_back_at = time.monotonic() + GIVE_BACK_SECONDS
        try:
            return retry_until_done(
                lambda: self._read(after, seen),
                event="range_read_retry",
                passing=lambda error: isinstance(error, Retryable) and not self._is_late,
                stopping=self._stopping,
            )
        finally:
            self._give_back_at = math.inf

    @property
    def _is_late(self) -> bool:
        return time.monotonic() >= self._give_back_at

    def _read(self, after: Key | None, seen: Position) -> ReadChunk:
        if self._stopping.is_set():
            raise Stopped
        if self._table is None:
            self._opened = ExitStack()
            self._table = self._opened.enter_context(
                self._tables(seen).open(self._job, self._wait, self._within)
            )
        try:
            chunk = self._table.read(after, Window(Checkpoint(seen), 0))
            origins = {each.name: each.origin for each in self._table.collections}
            return ReadChunk(chunk, origins)
        except BaseException:
            self._close()
            raise

    def _wait(self, seconds: float) -> None:
        if self._is_late:
            raise Retryable("the source does not show what was copied before, or is locked")
        if self._stopping.wait(seconds):
            raise Stopped

    def _close(self) -> None:
        opened, self._opened, self._table = self._opened, None, None
        if opened is not None:
            opened.close()
