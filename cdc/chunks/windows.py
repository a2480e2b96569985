"""Records the keys that the stream touched in the target while a chunk was read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from cdc.model.batch import Batch
from cdc.model.checkpoint import Checkpoint
from cdc.model.document_id import comparable
from cdc.model.message import Message
from cdc.model.operation import Operation

MAX_TOUCHED: Final = 1_000_000
"""The most keys of one window; beyond that it is void, and its chunk is read again."""


class Keyed(Protocol):
    """An operation, or a failure that became a dead letter."""

    @property
    def id(self) -> bytes:
        """The document's `_id`."""
        ...


@dataclass(slots=True, eq=False)
class Window:
    """The time from a position on, until a chunk that was read in it is applied.

    The target held `applied_checkpoint` when it opened; every key that the stream touches after
    that is remembered, of documents and of what is published. It is void once a schema change
    passed, since the table may then differ from what was read, or once the stream reads another
    server.
    """

    applied_checkpoint: Checkpoint
    schema_changes: int
    void: bool = False
    _touched: dict[str, set[object]] = field(default_factory=dict)
    _published: dict[str, set[bytes]] = field(default_factory=dict)
    _count: int = 0

    def untouched(self, collection: str, operations: Sequence[Operation]) -> list[Operation]:
        """Return the operations on keys that the stream has not touched."""
        touched = self._touched.get(collection)
        if not touched:
            return list(operations)
        return [each for each in operations if comparable(each.id) not in touched]

    def untouched_ids(self, collection: str, ids: Iterable[bytes]) -> list[bytes]:
        """Return the ids of the documents that the stream has not touched."""
        return [each for each in ids if not self.has_touched(collection, each)]

    def has_touched(self, collection: str, identifier: bytes) -> bool:
        """Return whether the stream touched this document; for an empty id that is unknown."""
        return bool(identifier) and comparable(identifier) in self._touched.get(collection, ())

    def touch(self, collection: str, operations: Iterable[Keyed]) -> None:
        """Remember the keys of applied or failed operations: they are newer than what was read."""
        keys = self._touched.setdefault(collection, set())
        before = len(keys)
        keys.update([comparable(each.id) for each in operations if each.id])
        self._counted(len(keys) - before)

    def publish(self, messages: Iterable[Message]) -> None:
        """Remember the keys of what the stream has published: it is newer than what was read."""
        for each in messages:
            if each.key is not None:
                keys = self._published.setdefault(each.topic, set())
                before = len(keys)
                keys.add(each.key)
                self._counted(len(keys) - before)

    def unpublished(self, messages: Sequence[Message]) -> list[Message]:
        """Return the messages with keys of which the stream has published nothing."""
        nothing = frozenset[bytes]()
        published = self._published
        return [each for each in messages if each.key not in published.get(each.topic, nothing)]

    def _counted(self, more: int) -> None:
        """Count keys; too many make the window void."""
        self._count += more
        if self._count > MAX_TOUCHED:
            self.void = True
            self._touched.clear()
            self._published.clear()
            self._count = 0


class Windows:
    """The open windows, and the target's checkpoint.

    The main thread notes every batch once it is applied; the chunk thread opens windows. A window
    that opens between a batch's commit and its note counts that batch's keys as touched: too many,
    never too few.
    """

    def __init__(self, start: Checkpoint, may_open: Callable[[], bool] = lambda: True) -> None:
        """Begin at the target's checkpoint; none opens while `may_open` returns False."""
        self._lock = threading.Lock()
        self._open: list[Window] = []
        self._applied = start
        self._committed_at: float | None = None
        self._schema_changes = 0
        self._may_open = may_open

    @property
    def applied_checkpoint(self) -> Checkpoint:
        """The target's checkpoint."""
        return self._applied

    @property
    def committed_at(self) -> float | None:
        """The commit time of the last transaction that was applied; None before the first.

        In seconds since the epoch.
        """
        return self._committed_at

    @property
    def schema_changes(self) -> int:
        """The number of schema changes of followed tables that have passed."""
        return self._schema_changes

    def open(self) -> Window | None:
        """Begin to remember touched keys; None within a large transaction, or if none may open.

        A part of the transaction may have touched keys that nobody recorded, while the position
        says that none of it is applied.
        """
        with self._lock:
            if self._applied.inflight is not None or not self._may_open():
                return None
            window = Window(self._applied, self._schema_changes)
            self._open.append(window)
            return window

    def close(self, window: Window) -> None:
        """Forget a window."""
        with self._lock:
            if window in self._open:
                self._open.remove(window)

    def void_all(self) -> None:
        """Make all open windows void: their chunks will be read again; from any thread.

        What was read on another server than the stream's is not compared with the stream.
        """
        with self._lock:
            for window in self._open:
                window.void = True

    def note(self, batch: Batch) -> None:
        """Remember the keys of an applied batch of the stream."""
        with self._lock:
            self._applied = batch.checkpoint
            self._committed_at = batch.committed_at
            if batch.changes_schema:
                self._schema_changes += 1
                for window in self._open:
                    window.void = True
            messages = batch.messages if self._open else ()
            for window in self._open:
                for collection, operations in batch.changes_of_rows():
                    window.touch(collection, operations)
                for collection, failures in batch.failures():
                    window.touch(collection, failures)
                window.publish(messages)
