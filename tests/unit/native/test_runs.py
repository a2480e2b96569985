"""A run of transactions is mapped as its transactions are, one by one."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdc.errors import CdcError, RefusedEvent
from cdc.mapper import NO_EFFECT, Mapper
from cdc.mapping.compile.plan import Plan
from cdc.model.batch import Batch, BatchEntry, MappedRun, MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.position import GtidPosition, GtidSet, Source
from cdc.model.table_map import Column, FieldType, TableMap
from cdc.model.transaction import RowsEvent, RowsKind, Transaction
from cdc.writers.rounds import UNLIMITED, parts_of
from cdc.writers.stats import changed_rows
from tests.support.examples import examples
from tests.support.runs import run_of
from tests.unit.mapping.support.row_images import (
    event,
    image,
    in_python,
    plan,
    prefixed,
    row,
    table,
    varchar,
)
from tests.unit.native.support.mapped import natively
from tests.unit.native.support.module import needs_native

pytestmark = needs_native

NUMBERS = st.integers(0, 1 << 16)
SOURCE = Source("00000000-0000-0000-0000-000000000001")
THINGS = table(varchar("name"), varchar("note"))
OTHERS = replace(table(varchar("name")), table="others")

RULES: list[dict[str, Any]] = [
    {"on_error": "halt"},
    {"on_error": "dead_letter"},
    {"where": "id <> 2", "on_error": "dead_letter"},
    {"fields": {"name": "name"}, "on_error": "halt"},
    {"fields": {"name": "name"}, "on_error": "dead_letter", "on_delete": {"set": {"gone": True}}},
    {"on_delete": {"set": {"gone": "$now"}}},
]
TEXTS = [prefixed(b"a"), prefixed(b"b"), None, prefixed(b"\xff")]
"""The last is no UTF-8: a row that has it cannot be mapped."""


def position(number: int) -> GtidPosition:
    return GtidPosition(GtidSet({SOURCE: ((1, number),)} if number else {}))


def transaction(number: int, rows: Sequence[RowsEvent]) -> Transaction:
    numbered = tuple(each._replace(ordinal=at) for at, each in enumerate(rows, 1))
    checkpoint = Checkpoint(position(number), None, "server")
    return Transaction(f"{SOURCE}:{number}", position(number - 1), checkpoint, number / 8, numbered)


@st.composite
def rows_events(draw: st.DrawFn) -> RowsEvent:
    columns = draw(st.sampled_from([THINGS, THINGS, OTHERS]))
    kind = draw(st.sampled_from([RowsKind.INSERT, RowsKind.INSERT, *RowsKind]))
    count = draw(st.integers(0, 2)) * (1 + (kind is RowsKind.UPDATE))
    texts = st.sampled_from(TEXTS[: draw(st.sampled_from([2, 3, 3, 3, 4]))])
    others = len(columns.columns) - 1
    images = [
        image(struct.pack("<q", draw(st.integers(1, 3))), *(draw(texts) for _ in range(others)))
        for _ in range(count)
    ]
    return event(columns, *images, kind=kind)


TRANSACTIONS = st.lists(st.lists(rows_events(), max_size=2), min_size=1, max_size=8).map(
    lambda found: [transaction(number, rows) for number, rows in enumerate(found, 1)]
)


def mapper(plans: dict[TableMap, tuple[Plan, ...]]) -> Mapper:
    return Mapper(plans.__getitem__, lambda *_: NO_EFFECT, transaction_bytes=1 << 20)


Found = tuple[list[MappedTransaction], str]


def outcome(entries: Iterator[BatchEntry]) -> Found:
    """The transactions, and what ended them."""
    found: list[MappedTransaction] = []
    try:
        for each in entries:
            found.extend(each.transactions())
    except CdcError as error:
        return found, f"{type(error).__name__}: {error} at {error.position}"
    return found, ""


def plans(rules: Sequence[dict[str, Any]]) -> dict[TableMap, tuple[Plan, ...]]:
    """Each table's plans, one for each rule; those of `others` have only the columns it has."""
    return {
        THINGS: tuple(plan(THINGS, **rule) for rule in rules),
        OTHERS: tuple(plan(OTHERS, **rule) for rule in rules),
    }


def counted(compiled: dict[TableMap, tuple[Plan, ...]]) -> int:
    """The updates that changed nothing, so far: plans count them, natively or not."""
    return sum(each.counts.unchanged_rows for plans in compiled.values() for each in plans)


@examples(300)
@given(TRANSACTIONS, st.lists(st.sampled_from(RULES), min_size=1, max_size=2))
def test_a_run_comes_to_what_its_transactions_come_to(
    transactions: list[Transaction], rules: list[dict[str, Any]]
) -> None:
    compiled = plans(rules)
    alone = mapper({columns: tuple(map(in_python, each)) for columns, each in compiled.items()})
    joined = mapper({columns: tuple(map(natively, each)) for columns, each in compiled.items()})

    expected = outcome(entry for each in transactions for entry in alone.map(each))
    unchanged = counted(compiled)

    assert outcome(joined.map(run_of(transactions))) == expected
    assert counted(compiled) == 2 * unchanged


@examples(300)
@given(TRANSACTIONS, st.sampled_from(RULES), st.data())
def test_damaged_images_come_to_the_same_error(
    transactions: list[Transaction], rule: dict[str, Any], data: st.DataObject
) -> None:
    damaged = []
    for each in transactions:
        rows = [change for change in each.changes if isinstance(change, RowsEvent)]
        for at, change in enumerate(rows):
            images = bytearray(change.images)
            for _ in range(data.draw(st.integers(0, 1)) if images else 0):
                images[data.draw(st.integers(0, len(images) - 1))] = data.draw(st.integers(0, 255))
            cut = data.draw(st.sampled_from([len(images), max(0, len(images) - 1)]))
            rows[at] = change._replace(images=bytes(images[:cut]))
        damaged.append(each._replace(changes=tuple(rows)))
    compiled = plans([rule])
    alone = mapper({columns: tuple(map(in_python, each)) for columns, each in compiled.items()})
    joined = mapper({columns: tuple(map(natively, each)) for columns, each in compiled.items()})

    expected = outcome(entry for each in damaged for entry in alone.map(each))

    assert outcome(joined.map(run_of(damaged))) == expected


def inserted(number: int, *, name: bytes = b"x") -> Transaction:
    return transaction(number, [event(OTHERS, row(number, prefixed(name)))])


def entries(*transactions: Transaction, **rule: Any) -> list[BatchEntry]:
    joined = mapper({OTHERS: (natively(plan(OTHERS, **rule)),)})
    return [*joined.map(run_of(transactions))]


def test_a_run_is_one_entry_with_the_last_checkpoint() -> None:
    [run] = entries(inserted(1), inserted(2), inserted(3))

    assert isinstance(run, MappedRun)
    assert run.completed == run.operation_count == 3
    assert run.checkpoint.position == position(3)
    assert (run.first_committed_at, run.committed_at) == (1 / 8, 3 / 8)
    assert [*run.changed_rows()] == [("shop.others", RowsKind.INSERT, 3)]
    [(collection, operations)] = run.changes
    assert (collection, len(operations)) == ("things", 3)


def test_an_update_that_changes_nothing_is_left_out_of_a_run() -> None:
    same = event(
        THINGS,
        row(1, prefixed(b"a"), prefixed(b"old")),
        row(1, prefixed(b"a"), prefixed(b"new")),
        kind=RowsKind.UPDATE,
    )
    mapped = natively(plan(THINGS, fields={"name": "name"}))

    [run] = mapper({THINGS: (mapped,)}).map(
        run_of([transaction(1, [same]), transaction(2, [same])])
    )

    assert isinstance(run, MappedRun)
    assert run.operation_count == 0
    assert mapped.counts.unchanged_rows == 2


def deleted(number: int) -> Transaction:
    return transaction(number, [event(OTHERS, row(number, None), kind=RowsKind.DELETE)])


def moved(number: int) -> Transaction:
    images = [row(number, None), row(-number, None)]
    return transaction(number, [event(OTHERS, *images, kind=RowsKind.UPDATE)])


def changed(number: int) -> Transaction:
    images = [row(number, None), row(number, prefixed(b"x"))]
    return transaction(number, [event(OTHERS, *images, kind=RowsKind.UPDATE)])


MARKED = {"on_delete": {"set": {"gone": "$now"}}}


@pytest.mark.parametrize(
    ("transactions", "rule"),
    [
        ([inserted(1), inserted(2, name=b"\xff")], {"on_error": "dead_letter"}),
        ([deleted(1), deleted(2)], MARKED),
        ([moved(1), moved(2)], MARKED),
    ],
    ids=["a row that cannot be mapped", "marks with the time", "marks of moved keys"],
)
def test_what_no_run_can_hold_is_mapped_one_by_one(
    transactions: list[Transaction], rule: dict[str, Any]
) -> None:
    found = entries(*transactions, **rule)

    assert [type(each) for each in found] == [MappedTransaction, MappedTransaction]
    assert [each.committed_at for each in found] == [1 / 8, 2 / 8]


@pytest.mark.parametrize("transactions", [[inserted(1), inserted(2)], [changed(1), changed(2)]])
def test_marks_that_are_not_made_do_not_matter(transactions: list[Transaction]) -> None:
    [run] = entries(*transactions, **MARKED)

    assert isinstance(run, MappedRun)


def test_rows_that_are_mapped_again_count_once() -> None:
    """The last row of the run cannot be mapped, so that each transaction is mapped alone."""
    dated = replace(table(Column("day", FieldType.DATE), varchar("name")), table="dated")
    zero, bad = bytes(3), prefixed(b"\xff")
    transactions = [
        transaction(1, [event(dated, row(1, zero, None))]),
        transaction(2, [event(dated, *[row(2, zero, None)] * 2, kind=RowsKind.UPDATE)]),
        transaction(3, [event(dated, row(3, zero, bad))]),
    ]
    mapped, expected = (
        natively(plan(dated, fields={"day": "day", "name": "name"}, on_error="halt"))
        for _ in range(2)
    )

    with pytest.raises(RefusedEvent):
        [*mapper({dated: (mapped,)}).map(run_of(transactions))]
    for each in transactions[:2]:
        [*mapper({dated: (expected,)}).map(each)]
    with pytest.raises(RefusedEvent):
        [*mapper({dated: (expected,)}).map(transactions[2])]

    assert mapped.losses.keys() == {("day", "zero_date")}
    assert mapped.counts == expected.counts


def test_a_transaction_of_a_run_that_is_too_large_once_mapped_is_cut() -> None:
    """What a mapping makes of a row may be larger than what the source sent."""
    text = "x" * 1000
    mapped = natively(plan(OTHERS, fields={"text": {"value": text}}))
    large = [event(OTHERS, row(number, None)) for number in range(5)]
    cutting = Mapper(
        {OTHERS: (mapped,)}.__getitem__, lambda *_: NO_EFFECT, transaction_bytes=2 * len(text)
    )

    found = [*cutting.map(run_of([transaction(1, large), inserted(2)]))]

    assert [each.operation_count for each in found] == [2, 2, 1, 1]
    assert [each.checkpoint.inflight is None for each in found] == [False, False, True, True]


def sorted_by_collection(entries: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for each in entries:
        for collection, operations in each.changes:
            if operations:
                found[collection] += operations
    return found


@examples(600)
@given(TRANSACTIONS, st.lists(st.sampled_from(RULES), min_size=1, max_size=2), st.data())
def test_a_cut_run_is_its_transactions(
    transactions: list[Transaction], rules: list[dict[str, Any]], data: st.DataObject
) -> None:
    compiled = plans(rules)
    joined = mapper({columns: tuple(map(natively, each)) for columns, each in compiled.items()})
    try:
        run, *others = joined.map(run_of(transactions))
    except CdcError:
        return
    if others or not isinstance(run, MappedRun) or len(transactions) < 2:
        return
    assert run.cuts is not None
    whole = run.transactions()
    for (_, operations), owners in zip(run.changes, run.cuts.numbers(), strict=True):
        assert len(operations) == len(owners)
        for operation, owner in zip(operations, owners, strict=True):
            assert any(operation is one for _, some in whole[owner].changes for one in some)
    numbers = sorted(data.draw(st.sets(st.integers(0, len(whole) - 1), min_size=1)))
    cut = run.cuts.only(numbers)
    mine = [whole[each] for each in numbers]
    two_plans = len(rules) > 1
    expected, found = sorted_by_collection(mine), sorted_by_collection([cut])
    if two_plans:  # of one row the plans' operations come in turn, or after each other
        expected = {k: sorted(map(repr, v)) for k, v in expected.items()}
        found = {k: sorted(map(repr, v)) for k, v in found.items()}
    assert found == expected
    assert [each.identity for each in cut.transactions()] == [each.identity for each in mine]
    assert cut.checkpoint == mine[-1].checkpoint
    ours = {k: v for k, v in changed_rows(Batch((cut,))).items() if v}
    assert ours == {k: v for k, v in changed_rows(Batch(tuple(mine))).items() if v}
    parts = parts_of(Batch((run,), True), lanes=2, size=UNLIMITED, is_whole=lambda _: False)
    if parts is not None:
        sums: dict[Any, int] = defaultdict(int)
        for part in parts:
            for key, value in changed_rows(part.batch).items():
                sums[key] += value
        assert sums == changed_rows(Batch((run,)))
