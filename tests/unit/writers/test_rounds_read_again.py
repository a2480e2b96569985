"""Rounds that fail or are left by a crash, and whose log is read again as other runs."""

from __future__ import annotations

import random
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from unittest.mock import MagicMock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdc.model.batch import Batch, BatchEntry, MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.done import Done, Span, joined, spans_of, spans_to_document
from cdc.model.mapped_run import RunOperations, mapped_run
from cdc.model.operation import Operation, OperationKind
from cdc.model.position import (
    FilePosition,
    GtidPosition,
    GtidSet,
    MariadbGtids,
    Position,
    Source,
)
from cdc.model.transaction import RowsEvent, RowsKind, RunRows, Transaction, TransactionRun
from cdc.writers.rounds import UNLIMITED, BatchSize, Part, parts_of, pieces_of, without_done
from tests.support.examples import examples
from tests.unit.writers.support.runs import TABLES, run, transaction

UUIDS = [f"{digit * 8}-{digit * 4}-{digit * 4}-{digit * 4}-{digit * 12}" for digit in "12"]


class Log:
    """A log: transactions, and whether each follows the one before it, as in a run."""

    def __init__(self, transactions: Sequence[Transaction], follow: Sequence[bool]) -> None:
        self.transactions = transactions
        self.follow = follow

    def entries(self, begin: int, end: int, breaks: frozenset[int]) -> Iterator[BatchEntry]:
        """Yield what the transactions of a range are read as; no run goes on at `breaks`."""
        start = begin
        for at in range(begin + 1, end + 1):
            if at == end or not self.follow[at] or at in breaks:
                if at - start > 1:
                    yield run(self.transactions[start:at])
                else:
                    yield from run(self.transactions[start:at]).transactions()
                start = at


def of_mysql(steps: Sequence[tuple[int, int, int]]) -> Log:
    """Numbers of two servers, with gaps that fill up later."""
    gtids = GtidSet()
    used: dict[int, set[int]] = {0: set(), 1: set()}
    made, follow, last = list[Transaction](), list[bool](), (9, -9)
    for number, (server, skip, key) in enumerate(steps):
        free = 1
        while free in used[server]:
            free += 1
        free += skip
        while free in used[server]:
            free += 1
        used[server].add(free)
        before = GtidPosition(gtids)
        gtids = gtids.with_interval(Source(UUIDS[server]), free, free)
        made.append(
            transaction(number, [("a", [2 * key])])._replace(
                identity=f"{UUIDS[server]}:{free}",
                before=before,
                checkpoint=Checkpoint(GtidPosition(gtids)),
            )
        )
        follow.append((server, free - 1) == last)
        last = (server, free)
    return Log(made, follow)


def of_ring(steps: Sequence[tuple[int, int, int, int]]) -> Log:
    """Domains and servers; each server's own numbers count up in a domain, as in a ring."""
    own: dict[tuple[int, int], int] = {}
    counted = []
    for domain, server, skip, key in steps:
        own[domain, server] = own.get((domain, server), 10) + 1 + skip
        counted.append((domain, server, own[domain, server], key))
    return of_mariadb(counted)


def of_mariadb(steps: Sequence[tuple[int, int, int, int]]) -> Log:
    """Any domains, servers and numbers, as sessions may set them without the strict mode."""
    gtids = MariadbGtids()
    made, follow, last = list[Transaction](), list[bool](), (9, 9, 0)
    for number, (domain, server, sequence, key) in enumerate(steps):
        before = GtidPosition(gtids)
        gtids = gtids.advanced(domain, server, sequence)
        made.append(
            transaction(number, [("a", [2 * key])])._replace(
                identity=f"{domain}-{server}-{sequence}",
                before=before,
                checkpoint=Checkpoint(GtidPosition(gtids)),
            )
        )
        follow.append((domain, server) == last[:2] and sequence > last[2])
        last = (domain, server, sequence)
    return Log(made, follow)


def of_files(steps: Sequence[tuple[bool, int, int]]) -> Log:
    """Transactions by file and offset, some at a file's beginning."""
    file, offset = 1, 4
    made, follow = list[Transaction](), list[bool]()
    for number, (rotates, size, key) in enumerate(steps):
        if rotates:
            file, offset = file + 1, 4
        before = FilePosition(f"log.{file}", offset, 77)
        identity = f"log.{file}:{offset}"
        offset += size
        made.append(
            transaction(number, [("a", [2 * key])])._replace(
                identity=identity,
                before=before,
                checkpoint=Checkpoint(FilePosition(f"log.{file}", offset, 77)),
            )
        )
        follow.append(not rotates)
    return Log(made, follow)


class Target:
    """How often each transaction is applied, and what is done beyond the position."""

    def __init__(self) -> None:
        self.applied: Counter[str] = Counter()
        self.done = Done()

    def apply(self, batch: Batch) -> None:
        self.applied.update(told(each) for each in batch.transactions if each.changes)

    def save(self, position: Position) -> None:
        if self.done and self.done.is_passed_by(position):
            self.done = Done()


def told(each: MappedTransaction) -> str:
    """Return a transaction's name: numbers may be given twice, behind other positions."""
    return f"{each.identity} {each.before}"


def closed(parts: Sequence[Part], landed: Iterable[int]) -> Done:
    found = [parts[at].note for at in landed if at < len(parts)]
    if not found:
        return Done()
    last = max(found, key=lambda each: each.place)
    spans = [span for each in found for span in spans_of(spans_to_document(each.spans))]
    return Done(tuple(joined(spans)), Checkpoint.from_document(last.last.to_document()))


BREAKS = st.frozensets(st.integers(0, 40), max_size=8)


def assert_each_once(
    log: Log,
    lanes: int,
    length: int,
    landed: frozenset[int],
    pieces: int,
    crash_at: int,
    breaks: Sequence[frozenset[int]],
) -> None:
    """A round of the first `length`; some land; then a crash after some pieces; then the rest."""
    count = len(log.transactions)
    length = min(length, count)
    target = Target()
    first = Batch(tuple(log.entries(0, length, breaks[0])), is_filled=True)
    found = parts_of(first, lanes=lanes, size=UNLIMITED, is_whole=lambda _: False)
    if found is None:
        return
    for at in landed:
        if at < len(found):
            target.apply(found[at].batch)
    target.done = closed(found, landed)
    at = 0
    size = BatchSize(pieces, 1 << 40)
    left = without_done(first, target.done)
    index = {id(each.checkpoint): n for n, each in enumerate(log.transactions, 1)}
    for number, piece in enumerate(pieces_of(left, size)):
        if number == crash_at:
            break
        target.apply(piece)
        target.save(piece.checkpoint.position)
        at = index[id(piece.checkpoint)]
    while at < count:
        end = min(count, at + 7)
        batch = Batch(tuple(log.entries(at, end, breaks[1])), is_filled=True)
        for piece in pieces_of(without_done(batch, target.done), size):
            target.apply(piece)
            target.save(piece.checkpoint.position)
        at = end
    wanted = Counter(
        told(one) for each in log.entries(0, count, frozenset()) for one in each.transactions()
    )
    assert target.applied == wanted, (
        [each.identity for each in log.transactions],
        [p.note for p in found],
        landed,
    )


How = tuple[int, int, frozenset[int], int, int, tuple[frozenset[int], frozenset[int]]]

HOW = st.tuples(
    st.integers(2, 4),
    st.integers(2, 30),
    st.frozensets(st.integers(0, 3)),
    st.integers(1, 6),
    st.integers(0, 6),
    st.tuples(BREAKS, BREAKS),
)
KEYS = st.integers(0, 12)


@examples(300)
@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.sampled_from([0, 0, 0, 1, 3]), KEYS),
        min_size=2,
        max_size=40,
    ),
    HOW,
)
def test_of_mysql_each_is_applied_once(steps: list[tuple[int, int, int]], how: How) -> None:
    assert_each_once(of_mysql(steps), *how)


@examples(300)
@given(
    st.lists(
        st.tuples(st.sampled_from([0, 0, 1]), st.sampled_from([1, 1, 1, 1, 2]), st.just(0), KEYS),
        min_size=2,
        max_size=40,
    ),
    HOW,
)
def test_of_a_ring_of_mariadbs_each_is_applied_once(
    steps: list[tuple[int, int, int, int]], how: How
) -> None:
    assert_each_once(of_ring(steps), *how)


@examples(300)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 0, 1]), st.sampled_from([1, 1, 1, 1, 2]), st.integers(1, 30), KEYS
        ),
        min_size=2,
        max_size=40,
    ),
    HOW,
)
def test_of_a_mariadb_without_strict_mode_each_is_applied_once(
    steps: list[tuple[int, int, int, int]], how: How
) -> None:
    assert_each_once(of_mariadb(steps), *how)


@examples(300)
@given(
    st.lists(
        st.tuples(st.sampled_from([False] * 9 + [True]), st.integers(1, 3), KEYS),
        min_size=2,
        max_size=40,
    ),
    HOW,
)
def test_of_files_each_is_applied_once(steps: list[tuple[bool, int, int]], how: How) -> None:
    assert_each_once(of_files(steps), *how)


def test_numbers_of_two_servers_of_a_domain_are_told_apart() -> None:
    """As in a ring: the second one's lower number is in the position behind the first one's."""
    log = of_ring([(0, 1, 0, 1), (0, 2, 0, 0), (0, 2, 0, 1)])
    nowhere: frozenset[int] = frozenset()

    assert_each_once(log, 2, 3, frozenset([1]), 1, 0, (nowhere, nowhere))


@pytest.mark.parametrize(("lanes", "keys"), [(4, 1_000), (8, 1_000), (16, 10_000), (16, 100_000)])
def test_updates_at_random_are_a_round(lanes: int, keys: int) -> None:
    """One row a transaction, `apply.batch_rows` as by default."""
    chance, count = random.Random(1), 5_000 * lanes
    entries = []
    for at in range(0, count, 500):
        numbers = range(at + 1, at + 501)
        made = [
            Operation(
                OperationKind.REPLACE, b"\x10" + struct.pack("<i", chance.randrange(keys)), b""
            )
            for _ in numbers
        ]
        position = GtidPosition(GtidSet.parse(f"{UUIDS[0]}:1-{numbers[-1]}"))
        rows = RunRows(
            RowsEvent(TABLES["a"], RowsKind.UPDATE, b"", b"", b""), [*range(1, 501)], range(500)
        )
        behind = Checkpoint(position)
        found = TransactionRun(
            500,
            position,
            behind,
            0.0,
            0.0,
            True,
            0,
            (rows,),
            Span(f"{UUIDS[0]}:", numbers[0], numbers[-1]),
            numbers,
            lambda: iter(()),
            MagicMock(return_value=behind),
        )
        entries.append(mapped_run(found, [[RunOperations("a", True, made, [*range(1, 501)], [])]]))

    batch = Batch(tuple(entries), is_filled=True)
    parts = parts_of(batch, lanes=lanes, size=BatchSize(5_000, 8 << 20), is_whole=lambda _: False)

    assert parts is not None
