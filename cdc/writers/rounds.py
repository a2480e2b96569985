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
from cdc.model.done import Done, Span, is_disjoint, joined
from cdc.model.operation import Operation
from cdc.model.position import MariadbGtids
from cdc.writers.coalescing import comparable_ids
from cdc.writers.lane_documents import LanePart

LARGEST: Final = 2
"""The largest part, in batches."""

UNFAIR: Final = 1.5
"""With a part that is so many times its share, runs are cut, which costs something."""

MOST_NOTED_BYTES: Final = 8_000_000
"""The most that a round's spans may take: the stream's document may have to hold all of them."""

SPAN_BYTES: Final = 50
"""What a span takes in a document, its prefix apart."""

MOST_NUMBER: Final = (1 << 63) - 1
"""The largest that a document holds as a number."""


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
    if not batch.is_filled or not is_of_whole_rows(batch) or not _is_told_apart(batch.entries):
        return None
    largest, fair = size.times(LARGEST), UNFAIR * batch.operations / lanes
    whole = _Units(batch.entries, cuts_runs=False)
    shares = whole.shares(lanes, is_whole)
    if any(each.operations > fair for each in shares):
        cut = _Units(batch.entries, cuts_runs=True)
        if (parts := cut.parts(cut.shares(lanes, is_whole), largest)) is not None:
            return parts
    return whole.parts(shares, largest)


def is_of_whole_rows(batch: Batch) -> bool:
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

    Without its strict mode MariaDB gives numbers again, and goes back; or two servers of one domain
    count each by itself.
    """
    spans = [span for each in entries for span in each.spans]
    if not is_disjoint(spans) or any(each.last > MOST_NUMBER for each in spans):
        return False
    named = [each for each in entries if each.spans]
    positions = [each.checkpoint.position for each in named]
    if not positions or not isinstance(getattr(positions[0], "gtids", None), MariadbGtids):
        return True
    return all(map(_counts_on, named)) and not any(
        one.contains(next_one) for one, next_one in pairwise(positions)
    )


def _counts_on(entry: BatchEntry) -> bool:
    """Return whether each position within an entry of MariaDB's is behind the one before it."""
    if sum(span.size for span in entry.spans) != entry.completed:
        return False
    first, gtids = entry.spans[0], getattr(entry.before, "gtids", None)
    if not isinstance(gtids, MariadbGtids):
        return True
    before = gtids.domains.get(int(first.prefix.partition("-")[0]))
    return before is None or before.sequence < first.first


class _Share(NamedTuple):
    """The units of a part, and how many operations they have."""

    units: list[int]
    operations: int


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

    def parts(self, shares: Sequence[_Share], largest: BatchSize) -> list[Part] | None:
        """Return the parts of some shares; None if these are none, or are too large."""
        if len(shares) < 2 or any(each.operations > largest.operations for each in shares):
            return None
        parts = [self._part(each.units) for each in shares]
        noted = sum(_noted_bytes(each.note.spans) for each in parts)
        fit = noted <= MOST_NOTED_BYTES and all(largest.holds(each.batch) for each in parts)
        return parts if fit else None

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

    def shares(self, lanes: int, is_whole: Callable[[str], bool]) -> list[_Share]:
        """Return up to `lanes` shares of about the same size, neighbours together.

        They touch no document in common. Entries without an identity are in none: they only move
        the position.
        """
        groups, sizes = self._groups(is_whole), [0] * self._count
        for unit, size in Counter(chain.from_iterable(self._owners.values())).items():
            sizes[groups[unit]] += size
        total, before = max(1, sum(sizes)), 0
        shares, operations = [list[int]() for _ in range(lanes)], [0] * lanes
        chosen: list[list[int] | None] = [None] * self._count
        for entry, (first, end) in zip(self._entries, self._bounds, strict=True):
            for unit in range(first, end) if entry.completed else ():
                group = groups[unit]
                if (share := chosen[group]) is None:
                    lane = min(lanes - 1, before * lanes // total)
                    share = chosen[group] = shares[lane]
                    before += sizes[group]
                    operations[lane] += sizes[group]
                share.append(unit)
        return [_Share(*each) for each in zip(shares, operations, strict=True) if each[0]]


def _noted_bytes(spans: Sequence[Span]) -> int:
    """Return about how many bytes a document takes to hold spans."""
    return sum([len(each.prefix) for each in spans]) + SPAN_BYTES * len(spans)


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
        yield _moved(entry)
    elif isinstance(entry, MappedRun) and entry.cuts is not None:
        identities = enumerate(entry.cuts.identities())
        left = [number for number, each in identities if not done.contains(each)]
        if left:
            yield entry.cuts.only(left)
        if not left or left[-1] < entry.completed - 1:
            yield _moved(entry)
    else:
        for each in entry.transactions():
            yield from _left_of(each, done)


def _moved(entry: BatchEntry) -> MappedTransaction:
    """Return what moves the position behind an entry, and does nothing else."""
    return MappedTransaction("", entry.checkpoint, entry.committed_at)


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
