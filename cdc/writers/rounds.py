"""Cuts a full batch into parts that have no document in common, for lanes to write side by side.

`docs/architecture.md`, "Lanes: several transactions at once", has the argument and its words.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from cdc.model.batch import Batch, BatchEntry, MappedTransaction
from cdc.model.done import Done, Span, is_disjoint, joined
from cdc.model.operation import Operation
from cdc.model.position import MariadbGtids
from cdc.writers.coalescing import comparable_ids
from cdc.writers.lane_documents import LanePart

LARGEST: Final = 2
"""The largest part, in batches."""

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
    """Cut a batch into up to `lanes` parts of whole entries, in the source's order within each.

    Entries that touch one document are in one part; so are all that touch a collection that
    `is_whole`, whose documents are not independent of each other. None if nothing can be cut, or a
    part would be larger than `LARGEST` batches; if an entry cannot be told by its identities; or if
    the batch does more than change documents.
    """
    if not batch.is_filled or not _is_of_whole_rows(batch):
        return None
    spans = [each.span for each in batch.entries]
    if not _is_told_apart(batch.entries, spans):
        return None
    groups = _groups(batch.entries, is_whole)
    parts = [
        _part(batch.entries, spans, indexes) for indexes in _packed(batch.entries, groups, lanes)
    ]
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


def _is_told_apart(entries: Sequence[BatchEntry], spans: Sequence[Span | None]) -> bool:
    """Return whether each identity is of one entry, and each position behind the one before it.

    Without its strict mode MariaDB gives numbers again, and goes back.
    """
    if not is_disjoint(span for span in spans if span is not None):
        return False
    named = [(span, each) for span, each in zip(spans, entries, strict=True) if span is not None]
    positions = [each.checkpoint.position for _, each in named]
    if not positions or not isinstance(getattr(positions[0], "gtids", None), MariadbGtids):
        return True
    return all(span.size == each.completed for span, each in named) and not any(
        one.contains(next_one) for one, next_one in pairwise(positions)
    )


def _part(entries: Sequence[BatchEntry], spans: Sequence[Span | None], at: Sequence[int]) -> Part:
    mine = tuple([entries[index] for index in at])
    done = joined(span for index in at if (span := spans[index]) is not None)
    return Part(Batch(mine, is_filled=True), LanePart(done, at[-1], mine[-1].checkpoint))


def _groups(entries: Sequence[BatchEntry], is_whole: Callable[[str], bool]) -> list[list[int]]:
    """Return the entries, by index, in groups that touch no document in common.

    Groups are in the order of their first entry. Entries without an identity are in none: they
    only move the position.
    """
    group = [*range(len(entries))]

    def first_of(index: int) -> int:
        while group[index] != index:
            group[index] = index = group[group[index]]
        return index

    for one, other in _touching(entries, is_whole):
        former, latter = sorted((first_of(one), first_of(other)))
        group[latter] = former
    found: dict[int, list[int]] = {}
    for index, entry in enumerate(entries):
        if entry.completed:
            found.setdefault(first_of(index), []).append(index)
    return [*found.values()]


def _touching(
    entries: Sequence[BatchEntry], is_whole: Callable[[str], bool]
) -> Iterator[tuple[int, int]]:
    """Yield pairs of entries that belong together, enough to connect all that do."""
    operations: dict[str, list[Operation]] = {}
    owners: dict[str, list[int]] = {}
    for index, entry in enumerate(entries):
        for collection, changed in entry.changes:
            operations.setdefault(collection, []).extend(changed)
            owners.setdefault(collection, []).extend([index] * len(changed))
    for collection, changed in operations.items():
        if is_whole(collection):
            yield from pairwise(dict.fromkeys(owners[collection]))
            continue
        ids = comparable_ids(changed)
        if len(set(ids)) == len(ids):
            continue
        touched: dict[object, int] = {}
        for identifier, index in zip(ids, owners[collection], strict=True):
            earlier = touched.setdefault(identifier, index)
            if earlier != index:
                yield earlier, index


def _packed(
    entries: Sequence[BatchEntry], groups: Sequence[Sequence[int]], lanes: int
) -> list[list[int]]:
    """Return the entries of up to `lanes` parts of about the same size, neighbours together."""
    sizes = [sum(entries[index].operation_count for index in group) for group in groups]
    total, before = max(1, sum(sizes)), 0
    packed: list[list[int]] = [[] for _ in range(lanes)]
    for group, size in zip(groups, sizes, strict=True):
        packed[min(lanes - 1, before * lanes // total)].extend(group)
        before += size
    return [sorted(each) for each in packed if each]


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
    span = entry.span
    if span is None or not done.overlaps(span):
        yield entry
    elif done.contains(span):
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
