"""What each kind of job does with a table, chunk by chunk."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, Protocol

import bson

from cdc.chunks.diff import Difference, differences, unmapped
from cdc.chunks.findings import Found, LetterOn, VerifyFindings, as_replace
from cdc.chunks.scan import Change, Changes, ScanStep, TableScan
from cdc.chunks.table import Collection, Part, Table
from cdc.chunks.windows import Window
from cdc.model.batch import comparable
from cdc.model.dead_letter import Origin
from cdc.model.job import JobKind, Phase, Progress
from cdc.model.operation import Operation, OperationKind

SettlePart = Callable[[Part, Window, Progress], tuple[Changes, Progress]]
SettleGone = Callable[[Collection, list[bytes], Window, Progress], tuple[Changes, Progress]]

ReadIds = Callable[[Collection, list[bytes], Part, Any, Window], ScanStep]
"""Makes a step of what was looked up for some documents."""

RECHECKS: Final = 3
"""How often verify looks again at documents that the stream touched while it compared them."""


class Documents(Protocol):
    """What a collection holds."""

    def is_empty(self, collection: str) -> bool:
        """Tell whether there is no document in it."""
        ...

    def ids(
        self, collection: str, *, after: bytes | None, limit: int, within: Mapping[str, Any]
    ) -> list[bytes]:
        """Return the ids that follow `after`, of documents `within`."""
        ...

    def fetch(self, collection: str, ids: Sequence[bytes]) -> dict[object, bytes]:
        """Return the documents of these ids that exist, by comparable id."""
        ...


class Work:
    """The work of one job."""

    def __init__(
        self,
        scan: TableScan,
        table: Table,
        documents: Documents,
        *,
        chunk_rows: int,
        letter_on: LetterOn = lambda *_: None,
    ) -> None:
        """`chunk_rows` is how many documents a chunk of the phase DOCUMENTS has."""
        self._scan = scan
        self._table = table
        self._documents = documents
        self._chunk_rows = chunk_rows
        self._options = scan.job.options
        self._findings = VerifyFindings(
            scan.progress, repair=self._options.repair, letter_on=letter_on
        )

    def run(self) -> None:
        """Do it, from the saved progress on."""
        match self._scan.job.kind:
            case JobKind.BACKFILL:
                self._rows(self._copied)
            case JobKind.RESYNC:
                self._rows(self._copied)
                self._all_documents(self._swept)
            case JobKind.VERIFY:
                self._rows(self._compared)
                self._all_documents(self._searched)
                self._recheck()
            case JobKind.RETRY:
                self._retry()

    # -- through the rows

    def _rows(self, settle: SettlePart) -> None:
        scan = self._scan
        if scan.progress.phase is not Phase.ROWS:
            return
        if scan.progress.total is None:
            empty = all(self._documents.is_empty(each.name) for each in self._table.collections)
            scan.advance(total=self._estimate(), inserting=empty, order=self._table.order)
        elif scan.progress.cursor is None:
            scan.advance(order=self._table.order)
        while not scan.run(partial(self._read_rows, settle), self._findings.has_much_pending):
            self._recheck()

    def _estimate(self) -> int:
        """Return about how many rows there are to read; 0 where nobody knows."""
        if self._options.reads_a_range:
            return 0
        return round(self._table.rows * self._options.share(self._table.rows) / 100)

    def _read_rows(self, settle: SettlePart, cursor: Any, window: Window) -> ScanStep:
        part = self._table.read(cursor, window)
        after = cursor if part.last is None else part.last
        return ScanStep(after, part.finished, part.high, partial(settle, part, window))

    def _copied(self, part: Part, window: Window, progress: Progress) -> tuple[Changes, Progress]:
        """Write what the stream has not written since."""
        changes = []
        for collection, operations in part.documents.items():
            writes = window.untouched(collection, operations)
            if not progress.inserting:
                writes = [as_replace(each) for each in writes]
            changes.append(Change(collection, writes, self._origin(collection, part, window)))
        written = progress.written + sum(len(each.operations) for each in changes)
        return tuple(changes), replace(progress, rows=progress.rows + part.rows, written=written)

    def _origin(self, collection: str, part: Part, window: Window) -> Origin:
        """Return where the documents come from, with the rows that are to be set aside."""
        origin = next(each.origin for each in self._table.collections if each.name == collection)
        failed = part.failures.get(collection, ())
        kept = [each for each in failed if not window.has_touched(collection, each.id)]
        return origin._replace(failures=tuple(each._replace(behind=0) for each in kept))

    def _compared(self, part: Part, window: Window, progress: Progress) -> tuple[Changes, Progress]:
        """Hold what the stream has not touched since against the documents."""
        found: list[Found] = []
        for collection, operations in part.documents.items():
            wanted = self._settled(collection, operations, window)
            documents = self._documents.fetch(collection, [each.id for each in wanted])
            found += differences(collection, wanted, documents)
            found += self._unmapped(collection, part, window)
        return self._findings.record(found, replace(progress, rows=progress.rows + part.rows))

    def _unmapped(self, collection: str, part: Part, window: Window) -> list[Found]:
        """Tell of the rows that cannot be carried over; nothing can mend their documents."""
        failed = part.failures.get(collection, ())
        touched = [each.id for each in failed if window.has_touched(collection, each.id)]
        self._defer(collection, touched)
        settled = [each for each in failed if each.id not in {*touched}]
        ids = [each.id for each in settled if each.id]
        documents = self._documents.fetch(collection, ids) if ids else {}
        return [(each, None) for each in unmapped(collection, settled, documents)]

    def _settled(
        self, collection: str, operations: Sequence[Operation], window: Window
    ) -> list[Operation]:
        """Return what the stream left alone; the rest is looked at again later."""
        settled = window.untouched(collection, operations)
        if len(settled) < len(operations):
            kept = {each.id for each in settled}
            self._defer(collection, [each.id for each in operations if each.id not in kept])
        return settled

    def _defer(self, collection: str, ids: Iterable[bytes]) -> None:
        """Have documents looked at again later; only verify needs to, the stream wrote them."""
        if self._scan.job.kind is JobKind.VERIFY:
            self._findings.defer(collection, ids)

    # -- through the documents

    def _all_documents(self, settle: SettleGone) -> None:
        scan = self._scan
        if scan.progress.phase is Phase.ROWS:
            scan.advance(phase=Phase.DOCUMENTS, cursor=None, to_search=self._documents_expected())
        for collection in self._table.collections:
            if scan.progress.done and collection.name in scan.progress.done:
                continue
            self._probe(collection)
            read = partial(self._read_documents, collection, settle)
            while not scan.run(read, self._findings.has_much_pending):
                self._recheck()
            scan.advance(done=(*scan.progress.done, collection.name), cursor=None)

    def _documents_expected(self) -> int:
        """Return about how many documents there are: as many as rows, counted if all were read."""
        rows = self._scan.progress.rows
        if self._options.reads_a_range or self._options.sample:
            rows = max(rows, self._table.rows)
        return rows * len(self._table.collections)

    def _probe(self, collection: Collection) -> None:
        with self._scan.window() as window:
            self._table.probe(collection, window)

    def _read_documents(
        self, collection: Collection, settle: SettleGone, cursor: Any, window: Window
    ) -> ScanStep:
        ids = self._documents.ids(
            collection.name, after=cursor, limit=self._chunk_rows, within=collection.own
        )
        if not ids:
            return ScanStep(cursor, True, None, lambda progress: ((), progress))
        finished = len(ids) < self._chunk_rows
        asked = self._sampled(ids)
        part = self._table.lookup(collection, asked, window)
        if part.ids < len(asked):
            asked, finished = asked[: part.ids], False
            ids = asked
        gone = _gone(collection, asked, part)
        settled = partial(settle, collection, gone, window)
        return ScanStep(ids[-1], finished, part.high, partial(_passed, len(ids), settled))

    def _sampled(self, ids: list[bytes]) -> list[bytes]:
        share = self._options.share(self._scan.progress.to_search)
        if share >= 100:
            return ids
        return [each for each in ids if random.random() * 100 < share]

    def _swept(
        self, collection: Collection, gone: list[bytes], window: Window, progress: Progress
    ) -> tuple[Changes, Progress]:
        """Remove the documents whose rows are gone, as `on_delete` says."""
        found = self._extra(collection, gone, window)
        removals = [operation for _, operation in found if operation is not None]
        changes = (Change(collection.name, removals, collection.origin),)
        return changes, replace(progress, removed=progress.removed + len(removals))

    def _searched(
        self, collection: Collection, gone: list[bytes], window: Window, progress: Progress
    ) -> tuple[Changes, Progress]:
        """Tell of the documents whose rows are gone."""
        return self._findings.record(self._extra(collection, gone, window), progress)

    def _extra(self, collection: Collection, gone: Sequence[bytes], window: Window) -> list[Found]:
        name = collection.name
        touched = [each for each in gone if window.has_touched(name, each)]
        self._defer(name, touched)
        asked = [each for each in gone if each not in {*touched}]
        documents = self._documents.fetch(name, asked) if asked else {}
        return [
            (Difference(name, "extra", each), collection.removed(each, document))
            for each in asked
            if (document := documents.get(comparable(each))) is not None
            and not collection.is_gone(document)
        ]

    # -- what was in motion

    def _recheck(self) -> None:
        """Look again at what was pending; what changes each time is counted as unsettled."""
        for collection in self._table.collections if self._findings.pending else ():
            self._probe(collection)
        for _ in range(RECHECKS):
            for collection in self._table.collections:
                ids = self._findings.deferred_of(collection.name)
                self._in_chunks(self._read_again, collection, ids)
        unsettled = self._scan.progress.unsettled + self._findings.give_up()
        self._scan.advance(unsettled=unsettled, pending=())

    def _in_chunks(self, read: ReadIds, collection: Collection, ids: list[bytes]) -> None:
        """Read the rows of documents; what does not fit in one chunk comes in the next."""
        while ids:
            ids = self._in_chunk(read, collection, ids)

    def _in_chunk(self, read: ReadIds, collection: Collection, ids: list[bytes]) -> list[bytes]:
        left = ids

        def step(cursor: Any, window: Window) -> ScanStep:
            nonlocal left
            some = ids[: self._chunk_rows]
            part = self._table.lookup(collection, some, window)
            left = ids[part.ids :]
            return read(collection, some[: part.ids], part, cursor, window)

        self._scan.run(step)
        return left

    def _read_again(
        self, collection: Collection, ids: list[bytes], part: Part, cursor: Any, window: Window
    ) -> ScanStep:
        gone = _gone(collection, ids, part)

        def settle(progress: Progress) -> tuple[Changes, Progress]:
            self._findings.looked_at(collection.name, ids)
            changes, progress = self._compared(part._replace(rows=0), window, progress)
            more, progress = self._searched(collection, gone, window, progress)
            return (*changes, *more), progress

        return ScanStep(cursor, True, part.high, settle)

    # -- what was set aside

    def _retry(self) -> None:
        """Make some documents equal to their rows, or remove those whose rows are gone."""
        ids = [encoded(each) for each in self._options.ids or ()]
        for collection in self._table.collections:
            self._probe(collection)
            self._in_chunks(self._read_to_retry, collection, ids)

    def _read_to_retry(
        self, collection: Collection, ids: list[bytes], part: Part, cursor: Any, window: Window
    ) -> ScanStep:
        gone = _gone(collection, ids, part)

        def settle(progress: Progress) -> tuple[Changes, Progress]:
            copied, progress = self._copied(part, window, progress)
            away = self._away(collection, gone, window)
            removed = progress.removed + len(away)
            changes = (*copied, Change(collection.name, away, collection.origin))
            return changes, replace(progress, removed=removed)

        return ScanStep(cursor, True, part.high, settle)

    def _away(
        self, collection: Collection, gone: Sequence[bytes], window: Window
    ) -> list[Operation]:
        """Return what leaves no document of a row that is gone, whether there is one or not."""
        name = collection.name
        asked = [each for each in gone if not window.has_touched(name, each)]
        documents = self._documents.fetch(name, asked) if asked else {}
        return [_leaving(collection, each, documents.get(comparable(each))) for each in asked]


def _gone(collection: Collection, ids: list[bytes], part: Part) -> list[bytes]:
    """Return the ids for which a look-up found no row."""
    alive = part.alive(collection.name)
    return [each for each in ids if comparable(each) not in alive]


def _passed(
    count: int, settle: Callable[[Progress], tuple[Changes, Progress]], progress: Progress
) -> tuple[Changes, Progress]:
    """Settle what was found in some documents, and count these."""
    changes, progress = settle(progress)
    return changes, replace(progress, searched=progress.searched + count)


def _leaving(collection: Collection, identifier: bytes, document: bytes | None) -> Operation:
    if document is None:
        return Operation(OperationKind.DELETE, identifier)
    if collection.is_gone(document):
        return Operation(OperationKind.REPLACE, identifier, document)
    return collection.removed(identifier, document)


def encoded(key: Any) -> bytes:
    """Return an `_id` as an operation's."""
    raw = bson.encode({"_id": key})
    return raw[4:5] + raw[9:-1]
