"""Resync: writes a table's rows as documents, then removes the documents whose rows are gone."""

from __future__ import annotations

from dataclasses import replace

from cdc.chunks.backfill import copied
from cdc.chunks.diff import extra
from cdc.chunks.findings import KEPT_FINDINGS
from cdc.chunks.passes import TablePasses
from cdc.chunks.scan import Changes
from cdc.chunks.table import Collection, MappedChunk
from cdc.chunks.windows import Window
from cdc.model.job import Progress


class Resync:
    """Makes collections equal to their table."""

    def __init__(self, passes: TablePasses) -> None:
        self._passes = passes

    def run(self) -> None:
        """Read the rows, then the documents, from the saved progress on."""
        self._passes.rows(self._copied)
        self._passes.documents(self._swept)

    def _copied(
        self, part: MappedChunk, window: Window, progress: Progress
    ) -> tuple[Changes, Progress]:
        return copied(self._passes.table, part, window, progress)

    def _swept(
        self, collection: Collection, part: MappedChunk, window: Window, progress: Progress
    ) -> tuple[Changes, Progress]:
        """Remove the documents whose rows are gone, by `on_delete`; list the first ones.

        Those that no mapping could have made are counted, and stay.
        """
        asked = window.untouched_ids(collection.name, part.gone)
        found = [*extra(collection, asked, self._passes.fetch(collection.name, asked))]
        ours = [(each, operation) for each, operation in found if not each.foreign]
        listed = [*progress.findings, *(each.to_document() for each, _ in ours)]
        removals = [operation for _, operation in ours]
        progress = replace(
            progress,
            removed=progress.removed + len(ours),
            foreign=progress.foreign + len(found) - len(ours),
            findings=tuple(listed[:KEPT_FINDINGS]),
        )
        return [(collection.name, removals, collection.origin)], progress
