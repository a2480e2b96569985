"""Verify: compares documents with their rows, and repairs them if the job is to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from cdc.chunks.diff import Difference, differences, extra, unmapped
from cdc.chunks.doubles import told
from cdc.chunks.findings import Found, LetterOn, VerifyFindings
from cdc.chunks.passes import TablePasses
from cdc.chunks.table import NOTHING_EMBEDDED, Changes, Collection, Embedded, MappedChunk
from cdc.chunks.windows import Window
from cdc.model.job import Progress
from cdc.model.operation import Operation
from cdc.writers.strays import deletion_of

Compared = tuple[Difference, Operation]
"""A difference, and the operation that mends it."""

RECHECKS: Final = 3
"""The most times that verify checks documents again if the stream touches them meanwhile."""


class Verify:
    """Compares all that the stream leaves alone; checks again what it touched."""

    def __init__(
        self, passes: TablePasses, *, letter_on: LetterOn, embedded: Embedded = NOTHING_EMBEDDED
    ) -> None:
        """`letter_on` returns open dead letters, `embedded` what documents must embed."""
        scan = passes.scan
        self._scan = scan
        self._passes = passes
        self._embedded = embedded
        self._options = scan.job.options
        self._findings = VerifyFindings(
            scan.progress, repair=self._options.repair, letter_on=letter_on
        )

    def run(self) -> None:
        """Read the rows, then the documents, from the saved progress on."""
        enough, pause = self._findings.has_much_pending, self._recheck
        if not self._options.extra_only:
            self._passes.rows(self._compared, enough=enough, pause=pause)
        self._passes.documents(self._searched, enough=enough, pause=pause)
        self._recheck()

    def _compared(
        self, part: MappedChunk, window: Window, progress: Progress
    ) -> tuple[Changes, Progress]:
        """Compare the rows that the stream has not touched since with their documents."""
        found: list[Found] = []
        owed = progress.owed
        for collection, operations in part.documents.items():
            wanted = self._untouched(collection, operations, window)
            documents, doubles = self._doubles(self._passes.named(collection), wanted)
            found += doubles
            different = self._different(collection, wanted, documents)
            left = self._without_owed(collection, different, documents)
            owed += len(different) - len(left)
            found += left
            found += self._unmapped(collection, part, window)
        progress = replace(progress, rows=progress.rows + part.rows, owed=owed)
        return self._findings.record(found, progress)

    def _doubles(
        self, collection: Collection, wanted: Sequence[Operation]
    ) -> tuple[Mapping[object, bytes], list[Found]]:
        """Return the documents of rows, by comparable id, and what they have beside them."""
        documents, others = self._passes.doubles.split(collection, wanted)
        deletions = map(deletion_of, others)
        return documents, [(told(collection.name, each.id), each) for each in deletions]

    def _different(
        self, collection: str, wanted: Sequence[Operation], documents: Mapping[object, bytes]
    ) -> list[Compared]:
        return [*differences(collection, self._embedded.expected(collection, wanted), documents)]

    def _without_owed(
        self, collection: str, found: Sequence[Compared], documents: Mapping[object, bytes]
    ) -> list[Compared]:
        """Return what is missing or different but for values that the stream still owes."""
        if not found:
            return []
        wanted = [operation for _, operation in found]
        return [
            *differences(
                collection, self._embedded.excused(collection, wanted, documents), documents
            )
        ]

    def _untouched(
        self, collection: str, operations: Sequence[Operation], window: Window
    ) -> list[Operation]:
        """Return the operations that the stream left alone; defer the rest."""
        untouched = window.untouched(collection, operations)
        if len(untouched) < len(operations):
            kept = {each.id for each in untouched}
            self._findings.defer(
                collection, [each.id for each in operations if each.id not in kept]
            )
        return untouched

    def _unmapped(self, collection: str, part: MappedChunk, window: Window) -> list[Found]:
        """Report the rows that cannot be mapped; nothing can repair their documents."""
        failed = part.failures.get(collection, ())
        touched = [each.id for each in failed if window.has_touched(collection, each.id)]
        self._findings.defer(collection, touched)
        untouched = [each for each in failed if each.id not in {*touched}]
        documents = self._passes.fetch(collection, [each.id for each in untouched if each.id])
        return [(each, None) for each in unmapped(collection, untouched, documents)]

    def _searched(
        self, collection: Collection, part: MappedChunk, window: Window, progress: Progress
    ) -> tuple[Changes, Progress]:
        """Report the documents whose rows are gone."""
        name = collection.name
        self._findings.defer(name, [each for each in part.gone if window.has_touched(name, each)])
        asked = window.untouched_ids(name, part.gone)
        found: list[Found] = [*extra(collection, self._passes.copies(name, asked))]
        if self._options.extra_only and collection.shard:  # else they were found with the rows
            rows = self._untouched(name, part.documents.get(name, ()), window)
            found += self._doubles(collection, rows)[1]
        return self._findings.record(found, progress)

    def _recheck(self) -> None:
        """Check pending documents again; those that change each time count as unsettled."""
        for collection in self._passes.table.collections if self._findings.pending else ():
            self._passes.probe(collection)
        for _ in range(RECHECKS):
            for collection in self._passes.table.collections:
                ids = self._findings.deferred_of(collection.name)
                self._passes.by_ids(collection, ids, self._compared_again)
        unsettled = self._scan.progress.unsettled + self._findings.give_up()
        self._scan.advance(unsettled=unsettled, pending=())

    def _compared_again(
        self, collection: Collection, part: MappedChunk, window: Window, progress: Progress
    ) -> tuple[Changes, Progress]:
        self._findings.looked_at(collection.name, part.asked)
        changes: Changes = ()
        if not self._options.extra_only:
            changes, progress = self._compared(part._replace(rows=0), window, progress)
        more, progress = self._searched(collection, part, window, progress)
        return [*changes, *more], progress
