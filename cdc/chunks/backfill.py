"""Backfill: writes a table's rows as documents."""

from __future__ import annotations

from dataclasses import replace

from cdc.chunks.findings import as_replace
from cdc.chunks.passes import TablePasses
from cdc.chunks.scan import Changes
from cdc.chunks.table import MappedChunk, Table
from cdc.chunks.windows import Window
from cdc.model.dead_letter import Origin
from cdc.model.job import Progress


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
        return copied(self._passes.table, part, window, progress)


def copied(
    table: Table, part: MappedChunk, window: Window, progress: Progress
) -> tuple[Changes, Progress]:
    """Return the writes of rows that the stream has not written since, and the new progress."""
    changes = []
    for collection, operations in part.documents.items():
        writes = window.untouched(collection, operations)
        if not progress.inserting:
            writes = [as_replace(each) for each in writes]
        changes.append((collection, writes, _origin(table, collection, part, window)))
    written = progress.written + sum(len(writes) for _, writes, _ in changes)
    return changes, replace(progress, rows=progress.rows + part.rows, written=written)


def _origin(table: Table, collection: str, part: MappedChunk, window: Window) -> Origin:
    """Return the documents' origin, with the rows that become dead letters."""
    origin = next(each.origin for each in table.collections if each.name == collection)
    failed = part.failures.get(collection, ())
    kept = [each for each in failed if not window.has_touched(collection, each.id)]
    return origin._replace(failures=tuple(each._replace(operations_before=0) for each in kept))
