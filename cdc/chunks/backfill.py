"""Backfill: writes a table's rows as documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cdc.chunks.diff import Difference
from cdc.chunks.doubles import told
from cdc.chunks.findings import as_replace, with_removed
from cdc.chunks.passes import TablePasses
from cdc.chunks.table import Changes, Collection, MappedChunk
from cdc.chunks.windows import Window
from cdc.model.dead_letter import Origin
from cdc.model.job import Progress
from cdc.model.operation import Operation


class Backfill:
    """Writes each row that the stream has not written since it was read."""

    def __init__(self, passes: TablePasses) -> None:
        self._passes = passes

    def run(self) -> None:
        """Read all rows, from the saved progress on."""
        self._passes.rows(self._copied)

    def _copied(
        self, part: MappedChunk, window: Window, progress: Progress
    ) -> tuple[Changes, Progress]:
        return copied(self._passes, part, window, progress)


def copied(
    passes: TablePasses, part: MappedChunk, window: Window, progress: Progress
) -> tuple[Changes, Progress]:
    """Return the writes of rows that the stream has not written since, and the new progress.

    Unless the collection was empty, doubles of their documents go with them.
    """
    changes: list[tuple[str, Sequence[Operation], Origin]] = []
    doubles: list[Difference] = []
    for name, operations in part.documents.items():
        collection = passes.named(name)
        writes, gone = window.untouched(name, operations), list[Operation]()
        if not progress.inserting:
            gone = passes.doubles.beside(collection, operations, writes)
            writes = [as_replace(each) for each in writes]
        doubles += [told(name, each.id) for each in gone]
        changes.append((name, [*gone, *writes], _origin(collection, part, window)))
    count = sum(len(operations) for _, operations, _ in changes)
    return changes, with_removed(
        doubles,
        replace(
            progress,
            rows=progress.rows + part.rows,
            written=progress.written + count - len(doubles),
        ),
    )


def _origin(collection: Collection, part: MappedChunk, window: Window) -> Origin:
    """Return the documents' origin, with the rows that become dead letters."""
    failed = part.failures.get(collection.name, ())
    kept = [each for each in failed if not window.has_touched(collection.name, each.id)]
    return collection.origin.of_chunk(kept)
