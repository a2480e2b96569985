"""What is published of the rows that jobs read: those that they copy, or whose documents they mend.

`docs/architecture.md`, "Publishing", has the argument.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

from cdc.chunks.mapped_collection import MappedCollection
from cdc.chunks.table import Changes, told_nothing
from cdc.mapping.compile.plan import Plan
from cdc.mapping.debezium.reads import TableReads
from cdc.mapping.file.mapping import Mapping
from cdc.model.checkpoint import Checkpoint
from cdc.model.document_id import comparable
from cdc.model.job import Job, JobKind
from cdc.model.message import Message
from cdc.model.operation import OperationKind
from cdc.model.table_map import TableMap
from cdc.model.transaction import RowsEvent

Told = Callable[[Changes], Sequence[Message]]
"""Returns the messages of the rows of a chunk for which changes are applied."""

MakeReads = Callable[[TableMap, Sequence[Mapping], Sequence[Plan]], TableReads]
"""Returns what tells the rows of a table.

It gets all mappings of the table, and the plans of those whose documents a job writes.
"""

_COPIES: Final = frozenset({JobKind.BACKFILL, JobKind.RESYNC})


class ReadChunk(NamedTuple):
    """Rows of a table, the checkpoint that they hold, and when they were read, or before that."""

    event: RowsEvent
    applied: Checkpoint
    read_at: float


class ToldRows:
    """Tells the rows that one job reads."""

    def __init__(self, reads: TableReads, job: Job, mapped: Sequence[MappedCollection]) -> None:
        """Make messages by `reads`; `mapped` are the collections whose documents the job writes."""
        self._reads = reads
        self._mapped = mapped
        self._copies = job.kind in _COPIES

    def copied(self, chunk: ReadChunk) -> Told:
        """Return what tells the rows of a range: all that are copied, which are encoded now."""
        if not self._copies:
            return self.looked_up(chunk)
        messages = self._reads.messages(*chunk)
        return lambda _: messages

    def looked_up(self, chunk: ReadChunk) -> Told:
        """Return what tells rows that were looked up: those whose documents are mended."""
        return told_nothing if self._copies else partial(self._mended, chunk)

    def _mended(self, chunk: ReadChunk, changes: Changes) -> Sequence[Message]:
        written = {
            (collection, comparable(each.id))
            for collection, operations, _ in changes
            for each in operations
            if each.kind is not OperationKind.DELETE
        }
        if not written:
            return ()

        def is_mended(image: bytes) -> bool:
            return any(
                (each.name, comparable(found)) in written
                for each in self._mapped
                if (found := each.plan.id_of(image))
            )

        return self._reads.messages(*chunk, is_mended)


def told_rows(
    make: MakeReads | None,
    job: Job,
    table: TableMap,
    mappings: Sequence[Mapping],
    mapped: Sequence[MappedCollection],
) -> ToldRows | None:
    """Return what tells the rows that a job reads; None if it tells none.

    `mappings` are all of the table, `mapped` what the job fills.
    """
    mends = job.kind is JobKind.VERIFY and job.options.repair
    if make is None or not (mends or job.kind in _COPIES):
        return None
    return ToldRows(make(table, mappings, [each.plan for each in mapped]), job, mapped)
