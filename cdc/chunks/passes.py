"""The passes of jobs through a table, chunk by chunk: its rows, its documents, some ids."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from cdc.chunks.doubles import Doubles
from cdc.chunks.scan import MakeChanges, TableScan
from cdc.chunks.table import Changes, Collection, Documents, MappedChunk, Table
from cdc.chunks.windows import Window
from cdc.model.document_id import comparable
from cdc.model.job import Phase, Progress

MakeChangesOf = Callable[[Collection, MappedChunk, Window, Progress], tuple[Changes, Progress]]
"""As `MakeChanges`, for rows that were looked up for the documents of a collection."""


def _never() -> bool:
    return False


def _nothing() -> None:
    return None


class TablePasses:
    """A job's table and its documents, and the passes through them.

    A pass continues from the saved progress; it ends at once if that is behind it. It stops while
    there is `enough`, so that `pause` can make room.
    """

    def __init__(
        self, scan: TableScan, table: Table, documents: Documents, *, chunk_rows: int
    ) -> None:
        """`chunk_rows` is the number of documents in a chunk of the phase DOCUMENTS."""
        self.scan = scan
        self.table = table
        self._documents = documents
        self._chunk_rows = chunk_rows
        self._options = scan.job.options
        self.doubles = Doubles(documents)

    def rows(
        self,
        make_changes: MakeChanges,
        *,
        enough: Callable[[], bool] = _never,
        pause: Callable[[], None] = _nothing,
    ) -> None:
        """Read the table's rows."""
        scan = self.scan
        if scan.progress.phase is not Phase.ROWS:
            return
        if scan.progress.total is None:
            empty = all(
                self._documents.is_empty(each.name, within=each.own)
                for each in self.table.collections
            )
            scan.advance(
                total=self._estimate(),
                percent=self._options.share(self.table.rows),
                inserting=empty,
                order=self.table.order,
            )
        elif scan.progress.cursor is None:
            scan.advance(order=self.table.order)
        while not scan.run(self.table.read, make_changes, enough):
            pause()

    def documents(
        self,
        make_changes: MakeChangesOf,
        *,
        enough: Callable[[], bool] = _never,
        pause: Callable[[], None] = _nothing,
    ) -> None:
        """Read the collections' documents, and look up the row of each."""
        scan = self.scan
        if scan.progress.phase is Phase.ROWS:
            scan.advance(phase=Phase.DOCUMENTS, cursor=None, to_search=self._documents_expected())
        for collection in self.table.collections:
            if scan.progress.done and collection.name in scan.progress.done:
                continue
            self.probe(collection)
            read = partial(self._read_documents, collection)
            make_and_count = partial(_counted, partial(make_changes, collection))
            while not scan.run(read, make_and_count, enough):
                pause()
            scan.advance(done=(*scan.progress.done, collection.name), cursor=None)

    def by_ids(self, collection: Collection, ids: list[bytes], make_changes: MakeChangesOf) -> None:
        """Look up the rows of some documents; those beyond one chunk come in the next."""
        while ids:
            ids = ids[self._one_by_ids(collection, ids[: self._chunk_rows], make_changes) :]

    def probe(self, collection: Collection) -> None:
        """Check that rows are found by their documents' ids; raises UsageError."""
        with self.scan.window() as window:
            self.table.probe(collection, window)

    def fetch(self, collection: str, ids: Sequence[bytes]) -> dict[object, bytes]:
        """Return the documents of these ids that exist, by comparable id."""
        return self._documents.fetch(collection, ids) if ids else {}

    def copies(self, collection: str, ids: Sequence[bytes]) -> list[bytes]:
        """Return all documents of these ids."""
        return self._documents.copies(collection, ids) if ids else []

    def named(self, collection: str) -> Collection:
        """Return a collection of the table."""
        return next(each for each in self.table.collections if each.name == collection)

    def _estimate(self) -> int:
        """Return about how many rows there are to read; 0 if that is unknown."""
        if self._options.reads_a_range:
            return 0
        return round(self.table.rows * self._options.share(self.table.rows) / 100)

    def _documents_expected(self) -> int:
        """Return about how many documents there are: as many as rows, counted if all were read."""
        rows = self.scan.progress.rows
        options = self._options
        if options.reads_a_range or options.sample or options.extra_only:
            rows = max(rows, self.table.rows)
        return rows * len(self.table.collections)

    def _read_documents(self, collection: Collection, cursor: Any, window: Window) -> MappedChunk:
        ids = self._documents.ids(
            collection.name, after=cursor, limit=self._chunk_rows, within=collection.own
        )
        if not ids:
            return MappedChunk({}, 0, cursor, True, None)
        finished = len(ids) < self._chunk_rows
        asked = self._sampled(ids)
        part = self._looked_up(collection, asked, window)
        if len(part.asked) < len(asked):
            ids, finished = [*part.asked], False
        return part._replace(last=ids[-1], finished=finished, searched=len(ids))

    def _sampled(self, ids: list[bytes]) -> list[bytes]:
        share = self._options.share(self.scan.progress.to_search)
        if share >= 100:
            return ids
        return [each for each in ids if random.random() * 100 < share]

    def _one_by_ids(
        self, collection: Collection, ids: list[bytes], make_changes: MakeChangesOf
    ) -> int:
        """Look up the rows of the first of the documents; return how many it covered."""
        looked_up = 0

        def read(cursor: Any, window: Window) -> MappedChunk:
            nonlocal looked_up
            part = self._looked_up(collection, ids, window)
            looked_up = len(part.asked)
            return part._replace(last=cursor, finished=True)

        self.scan.run(read, partial(make_changes, collection))
        return looked_up

    def _looked_up(
        self, collection: Collection, ids: Sequence[bytes], window: Window
    ) -> MappedChunk:
        part = self.table.lookup(collection, ids, window)
        alive = part.alive(collection.name)
        return part._replace(gone=[each for each in part.asked if comparable(each) not in alive])


def _counted(
    make_changes: MakeChanges, part: MappedChunk, window: Window, progress: Progress
) -> tuple[Changes, Progress]:
    """MakeChanges the findings in some documents, and count these."""
    changes, progress = make_changes(part, window, progress)
    return changes, replace(progress, searched=progress.searched + part.searched)
