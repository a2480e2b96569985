"""Resync: writes a table's rows as documents, then removes the documents whose rows are gone."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from cdc.chunks.backfill import copied
from cdc.chunks.diff import extra
from cdc.chunks.doubles import told
from cdc.chunks.findings import with_removed
from cdc.chunks.passes import TablePasses
from cdc.chunks.table import Changes, Collection, MappedChunk
from cdc.chunks.windows import Window
from cdc.model.job import Progress
from cdc.model.operation import Operation

RECHECKS: Final = 10
"""The most times that documents which may have doubles are looked at again."""


class Resync:
    """Makes collections equal to their table."""

    def __init__(self, passes: TablePasses) -> None:
        self._passes = passes

    def run(self) -> None:
        """Read the rows, then the documents, from the saved progress on."""
        self._passes.rows(self._copied)
        self._passes.documents(self._swept)
        for _ in range(RECHECKS):
            for collection in self._passes.table.collections:
                ids = self._passes.doubles.take_noted(collection)
                self._passes.by_ids(collection, ids, self._swept)

    def _copied(
        self, part: MappedChunk, window: Window, progress: Progress
    ) -> tuple[Changes, Progress]:
        return copied(self._passes, part, window, progress)

    def _swept(
        self, collection: Collection, part: MappedChunk, window: Window, progress: Progress
    ) -> tuple[Changes, Progress]:
        """Remove doubles, and the documents whose rows are gone, by `on_delete`.

        The first ones are listed. Those that no mapping could have made are counted, and stay.
        """
        asked = window.untouched_ids(collection.name, part.gone)
        self._passes.doubles.look_again(collection, set(part.gone).difference(asked))
        doubles = self._doubles(collection, part, window)
        found = [*extra(collection, self._passes.copies(collection.name, asked))]
        ours = [(each, operation) for each, operation in found if not each.foreign]
        removals = [*doubles, *(operation for _, operation in ours)]
        told_of = [
            *(told(collection.name, each.id) for each in doubles),
            *(each for each, _ in ours),
        ]
        progress = replace(progress, foreign=progress.foreign + len(found) - len(ours))
        progress = with_removed(told_of, progress)
        return [(collection.name, removals, collection.origin)], progress

    def _doubles(
        self, collection: Collection, part: MappedChunk, window: Window
    ) -> list[Operation]:
        """Return the deletions of doubles beside rows that came behind the first pass."""
        if not collection.shard:
            return []
        rows = part.documents.get(collection.name, ())
        return self._passes.doubles.beside(
            collection, rows, window.untouched(collection.name, rows)
        )
