"""The findings of verify, and the documents that it must check again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from cdc.chunks.diff import Difference
from cdc.chunks.table import Changes
from cdc.model.dead_letter import UNKNOWN
from cdc.model.document_id import comparable
from cdc.model.job import Progress
from cdc.model.operation import Operation, OperationKind

Found = tuple[Difference, Operation | None]
"""A difference, and the operation that mends it, if there is one."""

LetterOn = Callable[[str, bytes], str | None]
"""Returns the open dead letter on a document of a collection, if there is one."""

KEPT_FINDINGS: Final = 100
"""The most differences that a job's document lists; all are counted."""

MUCH_PENDING: Final = 1_000
"""The number of pending documents that are checked again before the next chunk."""


class VerifyFindings:
    """Counts differences, and keeps the ids of documents that the stream touched meanwhile.

    All of it is in the job's progress, and saved with each chunk.
    """

    def __init__(self, progress: Progress, *, repair: bool, letter_on: LetterOn) -> None:
        """Continue from `progress`. With `repair`, repair documents without an open dead letter."""
        self._repair = repair
        self._letter_on = letter_on
        self._pending = {(name, comparable(key)): key for name, key in progress.pending}

    @property
    def pending(self) -> int:
        """The number of documents to check again."""
        return len(self._pending)

    def has_much_pending(self) -> bool:
        """Return whether it is time to check them."""
        return self.pending >= MUCH_PENDING

    def defer(self, collection: str, ids: Iterable[bytes]) -> None:
        """Add documents to check again."""
        self._pending.update(((collection, comparable(each)), each) for each in ids)

    def deferred_of(self, collection: str) -> list[bytes]:
        """Return the ids of a collection's documents that are to be checked again."""
        return [key for (name, _), key in self._pending.items() if name == collection]

    def looked_at(self, collection: str, ids: Iterable[bytes]) -> None:
        """Remove documents that are now checked."""
        for each in ids:
            self._pending.pop((collection, comparable(each)), None)

    def give_up(self) -> int:
        """Forget all pending documents; return how many there were."""
        left = self.pending
        self._pending.clear()
        return left

    def record(self, found: Iterable[Found], progress: Progress) -> tuple[Changes, Progress]:
        """Count differences; return the repairs that the job asks for, none under a dead letter.

        A foreign document is removed only if the job's own list names it.
        """
        kinds, changes, foreign = [], [], 0
        findings = [*progress.findings]
        for difference, operation in found:
            kinds.append(difference.kind)
            foreign += difference.foreign
            kept = len(findings) < KEPT_FINDINGS
            letter = self._letter_of(difference) if kept or self._repair else None
            if kept:
                findings.append(_noted(difference, letter).to_document())
            is_named = kept or not difference.foreign
            if self._repair and operation is not None and letter is None and is_named:
                changes.append((difference.collection, [as_replace(operation)], UNKNOWN))
        return changes, replace(
            progress,
            missing=progress.missing + kinds.count("missing"),
            extra=progress.extra + kinds.count("extra"),
            different=progress.different + kinds.count("different"),
            repaired=progress.repaired + len(changes),
            foreign=progress.foreign + foreign,
            findings=tuple(findings),
            pending=tuple((name, key) for (name, _), key in self._pending.items()),
        )

    def _letter_of(self, difference: Difference) -> str | None:
        return self._letter_on(difference.collection, difference.id) if difference.id else None


def with_removed(removed: Sequence[Difference], progress: Progress) -> Progress:
    """Return the progress with documents that were removed: all counted, the first ones listed."""
    if not removed:
        return progress
    listed = [*progress.findings, *(each.to_document() for each in removed)]
    return replace(
        progress,
        removed=progress.removed + len(removed),
        findings=tuple(listed[:KEPT_FINDINGS]),
    )


def _noted(difference: Difference, letter: str | None) -> Difference:
    if letter is None:
        return difference
    note = f"the dead letter {letter} is open"
    return difference._replace(note=f"{note}: {difference.note}" if difference.note else note)


def as_replace(operation: Operation) -> Operation:
    """Return an operation that writes a document whether or not it exists."""
    if operation.kind is not OperationKind.INSERT:
        return operation
    return Operation(OperationKind.REPLACE, operation.id, operation.document)
