"""Cuts a full batch into parts that have no document in common, for lanes to write side by side.

`docs/architecture.md`, "Lanes: several transactions at once", has the argument and its words.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise
from typing import Final, NamedTuple

from cdc.model.batch import Batch, BatchEntry, MappedRun, MappedTransaction
from cdc.model.done import Done, is_disjoint, joined
from cdc.model.operation import Operation
from cdc.model.position import MariadbGtids
from cdc.writers.coalescing import comparable_ids
from cdc.writers.lane_documents import LanePart

LARGEST: Final = 2
"""The largest part, in batches."""

UNFAIR: Final = 1.5
"""With a part that is so many times its share, runs are cut, which costs something."""

MOST_SPANS: Final = 32_000
"""The most spans of a round: the stream's document may hold each, in some 60 bytes."""


@dataclass(frozen=True, slots=True)
class BatchSize:
    """When one writer's batch is full; a round is as many times as large as it has lanes."""

    operations: int
    byte_size: int

    def times(self, count: int) -> BatchSize:
        """Return the size of so many batches."""
        return BatchSize(count * self.operations, count * self.byte_size)

    def holds(self, batch: Batch) -> bool:
        """Return whether a batch is no larger."""
        return batch.operations <= self.operations and batch.byte_size <= self.byte_size


UNLIMITED: Final = BatchSize(sys.maxsize, sys.maxsize)


class Part(NamedTuple):
    """What one lane writes of a round, and what its document notes of it."""

    batch: Batch
    note: LanePart


def parts_of(
    batch: Batch, *, lanes: int, size: BatchSize, is_whole: Callable[[str], bool]
) -> list[Part] | None:
    """Cut a batch into up to `lanes` parts of whole source transactions, in order within each.

    Transactions that touch one document are in one part; so are all that touch a collection that
    `is_whole`, whose documents are not independent of each other. None if nothing can be cut, or a
    part would be larger than `LARGEST` batches; if an entry cannot be told by its identities; or if
    the batch does more than change documents.
    """
    if not batch.is_filled or not _is_of_whole_rows(batch) or not _is_told_apart(batch.entries):
        return None
    parts = _Units(batch.entries, cuts_runs=False).parts(lanes, is_whole)
    fair = UNFAIR * batch.operations / lanes
    if any(each.batch.operations > fair for each in parts):
        parts = _Units(batch.entries, cuts_runs=True).parts(lanes, is_whole)
    largest = size.times(LARGEST)
    fit = all(largest.holds(each.batch) for each in parts)
    few = sum(len(each.note.spans) for each in parts) <= MOST_SPANS
    return parts if fit and few and len(parts) > 1 else None


def _is_of_whole_rows(batch: Batch) -> bool:
    """Return whether a batch does no more than change documents, by whole source transactions."""
    return not (
        batch.clears
        or batch.changes_schema
        or any(batch.writes)
        or any(each.checkpoint.inflight is not None for each in batch.entries)
        or any(True for _ in batch.failures())
    )


def _is_told_apart(entries: Sequence[BatchEntry]) -> bool:
    """Return whether each identity is of one entry, and each position behind the one before it.

    Without its strict mode MariaDB gives numbers again, and goes back.
    """
    if not is_disjoint(span for each in entries for span in each.spans):
        return False
    named = [each for each in entries if each.spans]
    positions = [each.checkpoint.position for each in named]
    if not positions or not isinstance(getattr(positions[0], "gtids", None), MariadbGtids):
        return True
    return all(sum(span.size for span in each.spans) == each.completed for each in named) and not (
        any(one.contains(next_one) for one, next_one in pairwise(positions))
    )


class _Units:
    """What a batch is cut between, numbered in the source's order: entries, or transactions."""

    def __init__(self, entries: Sequence[BatchEntry], *, cuts_runs: bool) -> None:
        """Take each entry as one unit, but with `cuts_runs` each transaction of a run."""
        self._entries = entries
        self._cuts = [
            each.cuts if cuts_runs and isinstance(each, MappedRun) else None for each in entries
        ]
        counts = [
            each.completed if cuts is not None else 1
            for each, cuts in zip(entries, self._cuts, strict=True)
        ]
        ends = [*accumulate(counts, initial=0)]
        self._bounds = [*pairwise(ends)]
        """The first unit of each entry, and the one behind its last."""
        self._count = ends[-1]
        self._operations: dict[str, list[Operation]] = {}
        self._owners: dict[str, list[int]] = {}
        """The unit of each operation on a collection."""
        for collection, changed, units in self._owned():
            self._operations.setdefault(collection, []).extend(changed)
            self._owners.setdefault(collection, []).extend(units)

    def _owned(self) -> Iterator[tuple[str, Sequence[Operation], Iterable[int]]]:
        """Yield (collection, operations, the unit of each) of all changes."""
        for entry, cuts, (first, _) in zip(self._entries, self._cuts, self._bounds, strict=True):
            if cuts is None:
                for collection, changed in entry.changes:
                    yield collection, changed, [first] * len(changed)
                continue
            for (collection, changed), numbers in zip(entry.changes, cuts.numbers(), strict=True):
                yield collection, changed, map(first.__add__, numbers)

    def parts(self, lanes: int, is_whole: Callable[[str], bool]) -> list[Part]:
        """Return up to `lanes` parts that touch no document in common."""
        return [self._part(units) for units in self._shares(lanes, self._groups(is_whole))]

    def _part(self, units: Sequence[int]) -> Part:
        mine = tuple(self._entries_of(units))
        done = joined(span for each in mine for span in each.spans)
        return Part(Batch(mine, is_filled=True), LanePart(done, units[-1], mine[-1].checkpoint))

    def _entries_of(self, units: Sequence[int]) -> Iterator[BatchEntry]:
        """Yield the entries that some units are, and runs of what they are of others."""
        at = 0
        for entry, cuts, (first, end) in zip(self._entries, self._cuts, self._bounds, strict=True):
            begin, at = at, bisect_left(units, end, lo=at)
            if begin == at:
                continue
            if cuts is None or at - begin == end - first:
                yield entry
            else:
                yield cuts.only([unit - first for unit in units[begin:at]])

    def _groups(self, is_whole: Callable[[str], bool]) -> list[int]:
        """Return the first unit of each one's group; groups touch no document in common."""
        group = [*range(self._count)]

        def first_of(unit: int) -> int:
            while group[unit] != unit:
                group[unit] = unit = group[group[unit]]
            return unit

        for one, other in self._touching(is_whole):
            former, latter = sorted((first_of(one), first_of(other)))
            group[latter] = former
        for unit, earlier in enumerate(group):
            group[unit] = group[earlier]  # which comes before it
        return group

    def _touching(self, is_whole: Callable[[str], bool]) -> Iterator[tuple[int, int]]:
        """Yield pairs of units that belong together, enough to connect all that do."""
        for collection, changed in self._operations.items():
            units = self._owners[collection]
            if is_whole(collection):
                yield from pairwise(dict.fromkeys(units))
                continue
            ids = comparable_ids(changed)
            if len(set(ids)) == len(ids):
                continue
            touched: dict[object, int] = {}
            for identifier, unit in zip(ids, units, strict=True):
                earlier = touched.setdefault(identifier, unit)
                if earlier != unit:
                    yield earlier, unit

    def _shares(self, lanes: int, groups: Sequence[int]) -> list[list[int]]:
        """Return the units of up to `lanes` parts of about the same size, neighbours together.

        Entries without an identity are in none: they only move the position.
        """
        sizes = [0] * self._count
        for unit, size in Counter(chain.from_iterable(self._owners.values())).items():
            sizes[groups[unit]] += size
        total, before = max(1, sum(sizes)), 0
        shares: list[list[int]] = [[] for _ in range(lanes)]
        chosen: list[list[int] | None] = [None] * self._count
        for entry, (first, end) in zip(self._entries, self._bounds, strict=True):
            for unit in range(first, end) if entry.completed else ():
                group = groups[unit]
                if (share := chosen[group]) is None:
                    share = chosen[group] = shares[min(lanes - 1, before * lanes // total)]
                    before += sizes[group]
                share.append(unit)
        return [each for each in shares if each]


def without_done(batch: Batch, done: Done) -> Batch:
    """Return a batch without what is applied already: of that it only moves the position."""
    if not done:
        return batch
    left: list[BatchEntry] = []
    for each in batch.entries:
        if left and done.is_passed_by(left[-1].checkpoint.position):
            left.append(each)  # an identity of `done` is another transaction's from there on
        else:
            left.extend(_left_of(each, done))
    return Batch(tuple(left), batch.is_filled)


def _left_of(entry: BatchEntry, done: Done) -> Iterator[BatchEntry]:
    if not any(map(done.overlaps, entry.spans)):
        yield entry
    elif all(map(done.contains, entry.spans)):
        yield MappedTransaction("", entry.checkpoint, entry.committed_at)
    else:
        for each in entry.transactions():
            yield from _left_of(each, done)


def pieces_of(batch: Batch, size: BatchSize) -> Iterator[Batch]:
    """Yield a batch in pieces of that size, to be written one after the other."""
    if size.holds(batch):
        yield batch
        return
    cut = [*_cut(batch.entries, size)]
    for entries in cut[:-1]:
        yield Batch(entries, is_filled=True)
    yield Batch(cut[-1], batch.is_filled)


def _cut(entries: Iterable[BatchEntry], size: BatchSize) -> Iterator[tuple[BatchEntry, ...]]:
    """Yield the entries in runs that are no larger, or of one."""
    piece: list[BatchEntry] = []
    operations = byte_size = 0
    for each in entries:
        operations += each.operation_count
        byte_size += each.byte_size
        if piece and (operations > size.operations or byte_size > size.byte_size):
            yield tuple(piece)
            piece, operations, byte_size = [], each.operation_count, each.byte_size
        piece.append(each)
    if piece:
        yield tuple(piece)
