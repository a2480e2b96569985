"""Batches as rounds: parts have no document in common, and what is done is not written again."""

from __future__ import annotations

import time

import bson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdc.model.batch import Batch, MappedTransaction
from cdc.model.checkpoint import Checkpoint, Inflight
from cdc.model.done import Done, Span
from cdc.model.operation import Operation, OperationKind
from cdc.model.position import FilePosition, GtidPosition, MariadbGtids
from cdc.model.state_change import CollectionClear, StateWrite
from cdc.writers.rounds import UNLIMITED, BatchSize, Part, parts_of, pieces_of, without_done

SIZE = BatchSize(10, 1_000_000)


def replaced(number: int) -> Operation:
    document = bson.encode({"_id": number})
    return Operation(OperationKind.REPLACE, document[4:5] + document[9:-1], document)


def transaction(number: int, *ids: int, collection: str = "a") -> MappedTransaction:
    changes = ((collection, [replaced(each) for each in ids]),)
    position = FilePosition("log.1", 10 * number)
    return MappedTransaction(f"log.1:{number}", Checkpoint(position), 0.0, changes, 10 * len(ids))


def parts(
    *entries: MappedTransaction, lanes: int = 2, size: BatchSize = SIZE, whole: str = ""
) -> list[Part] | None:
    return parts_of(
        Batch(entries, is_filled=True),
        lanes=lanes,
        size=size,
        is_whole=lambda collection: collection == whole,
    )


def identities(found: list[Part] | None) -> list[list[str]] | None:
    return None if found is None else [each.batch.identities for each in found]


TOUCHED = st.lists(st.lists(st.integers(0, 30), max_size=3), min_size=1, max_size=30)


@given(TOUCHED, st.integers(2, 4))
def test_parts_share_no_document_and_hold_each_transaction_once_in_order(
    touched: list[list[int]], lanes: int
) -> None:
    entries = [transaction(number, *ids) for number, ids in enumerate(touched)]

    found = parts(*entries, lanes=lanes, size=UNLIMITED)

    if found is None:
        return
    assert 2 <= len(found) <= lanes
    seen: set[bytes] = set()
    for each in found:
        ids = {one.id for _, operations in each.batch.changes() for one in operations}
        assert not ids & seen
        seen |= ids
        assert [*each.batch.entries] == [one for one in entries if one in each.batch.entries]
        last = each.batch.entries[-1]
        assert (each.note.last, entries[each.note.place]) == (last.checkpoint, last)
        noted = [number for one in each.note.spans for number in range(one.first, one.last + 1)]
        assert noted == [span.first for one in each.batch.entries for span in one.spans]
    together = [one.identity for each in found for one in each.batch.transactions]
    assert sorted(together) == sorted(each.identity for each in entries)


def test_transactions_that_have_nothing_in_common_are_shared_out() -> None:
    found = parts(*(transaction(number, number) for number in range(6)), lanes=3)

    assert identities(found) == [
        ["log.1:0", "log.1:1"],
        ["log.1:2", "log.1:3"],
        ["log.1:4", "log.1:5"],
    ]


def test_a_document_in_common_keeps_transactions_in_one_part() -> None:
    assert identities(
        parts(transaction(0, 1), transaction(1, 2), transaction(2, 1), transaction(3, 4))
    ) == [["log.1:0", "log.1:2"], ["log.1:1", "log.1:3"]]


def test_equal_numbers_of_two_types_are_one_document() -> None:
    double = bson.encode({"_id": 1.0})
    as_double = Operation(OperationKind.REPLACE, double[4:5] + double[9:-1], double)
    second = transaction(1)._replace(changes=(("a", [as_double]),))

    assert parts(transaction(0, 1), second) is None


def test_one_id_in_two_collections_is_two_documents() -> None:
    assert parts(transaction(0, 1), transaction(1, 1, collection="b")) is not None


def test_a_collection_with_a_unique_index_is_one_part_s() -> None:
    entries = transaction(0, 1), transaction(1, 2), transaction(2, 3, collection="b")

    assert identities(parts(*entries, whole="a")) == [["log.1:0", "log.1:1"], ["log.1:2"]]


def test_a_part_that_would_be_too_large_makes_no_round() -> None:
    hot = [transaction(number, 1) for number in range(21)]
    assert parts(*hot[:20], transaction(30, 2)) is not None
    assert parts(*hot, transaction(30, 2)) is None


def test_a_move_of_the_position_is_in_no_part() -> None:
    moved = MappedTransaction("", Checkpoint(FilePosition("log.2", 4)), 0.0)

    found = parts(transaction(0, 1), transaction(1, 2), moved)

    assert found is not None
    assert moved not in [entry for each in found for entry in each.batch.entries]


def test_transactions_of_consecutive_numbers_are_noted_as_one_span() -> None:
    found = parts(*(transaction(number, number) for number in (1, 2, 3, 5, 6, 8)))

    assert found is not None
    assert [each.note.spans for each in found] == [
        [Span("log.1:", 1, 3)],
        [Span("log.1:", 5, 6), Span("log.1:", 8, 8)],
    ]


@pytest.mark.parametrize("step", [1, 2])
def test_small_transactions_fill_a_round_as_large_ones_do(step: int) -> None:
    entries = [transaction(step * number, number) for number in range(20_000)]

    found = parts(*entries, lanes=4, size=BatchSize(5_000, 1_000_000))

    assert found is not None
    assert [each.batch.operations for each in found] == [5_000] * 4


def test_what_is_done_is_left_out_in_no_longer_than_it_is_read() -> None:
    done = Done(
        tuple(Span("log.1:", 4 * number, 4 * number) for number in range(10_000)),
        Checkpoint(FilePosition("log.1", 1_000_000)),
    )
    entries = [transaction(2 * number, number) for number in range(20_000)]
    began = time.process_time()

    left = without_done(Batch(tuple(entries)), done)

    assert time.process_time() - began < 5  # comparing each with each takes minutes
    assert len(left.identities) == 10_000


FIRST, SECOND = transaction(0, 1), transaction(1, 2)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(SECOND._replace(clears=(CollectionClear("a"),)), id="clears"),
        pytest.param(SECOND._replace(changes_schema=True), id="changes a schema"),
        pytest.param(SECOND._replace(writes=(StateWrite("jobs", {}, {}),)), id="writes"),
        pytest.param(
            SECOND._replace(checkpoint=SECOND.checkpoint._replace(inflight=Inflight("x:1", 1))),
            id="piece",
        ),
        pytest.param(SECOND._replace(identity="log.1:0"), id="twice"),
    ],
)
def test_what_is_no_round(other: MappedTransaction) -> None:
    assert parts(FIRST, SECOND) is not None
    assert parts(FIRST, other) is None


def test_a_batch_that_is_not_full_is_no_round() -> None:
    batch = Batch((FIRST, SECOND))

    assert parts_of(batch, lanes=2, size=SIZE, is_whole=lambda _: False) is None


def of_mariadb(text: str, key: int) -> MappedTransaction:
    position = GtidPosition(MariadbGtids.parse(text))
    return transaction(key, key)._replace(identity=text, checkpoint=Checkpoint(position))


def test_a_position_that_goes_back_makes_no_round() -> None:
    onwards = of_mariadb("0-1-5", 1), of_mariadb("0-2-6", 2)
    back = of_mariadb("0-1-105", 1), of_mariadb("0-2-50", 2)

    assert parts(*onwards) is not None
    assert parts(*back) is None


def test_what_is_done_only_moves_the_position() -> None:
    done = Done((Span("log.1:", 1, 2),), transaction(2).checkpoint)
    batch = Batch(tuple(transaction(number, number) for number in range(4)), is_filled=True)

    left = without_done(batch, done)

    assert left.identities == ["log.1:0", "log.1:3"]
    assert [each.checkpoint for each in left.entries] == [each.checkpoint for each in batch.entries]
    assert left.is_filled


def test_an_identity_behind_all_that_is_done_is_another_transaction() -> None:
    done = Done((Span("log.1:", 1, 1),), transaction(1).checkpoint)
    again = transaction(2, 2)._replace(identity="log.1:1")

    left = without_done(Batch((transaction(1, 1), again)), done)

    assert left.identities == ["log.1:1"]
    assert left.entries[1] is again


def test_done_is_kept_as_a_document() -> None:
    done = Done((Span("log.1:", 1, 2), Span("0-1-", 7, 9)), transaction(2).checkpoint)

    assert Done.of({"done": bson.decode(bson.encode({"done": done.to_document()}))["done"]}) == done
    assert Done.of({"done": None}) == Done.of({}) == Done()
    assert Done().to_document() is None


@given(st.lists(st.integers(0, 12), min_size=1, max_size=20))
def test_pieces_are_no_larger_than_a_batch_and_lose_nothing(sizes: list[int]) -> None:
    entries = tuple(transaction(at, *range(size)) for at, size in enumerate(sizes))
    batch = Batch(entries, is_filled=True)

    pieces = [*pieces_of(batch, SIZE)]

    assert tuple(entry for each in pieces for entry in each.entries) == entries
    assert all(SIZE.holds(each) or len(each.entries) == 1 for each in pieces)
    assert all(each.is_filled for each in pieces)


@pytest.mark.parametrize(
    ("first", "last", "span"),
    [
        ("0-1-5", "0-1-9", Span("0-1-", 5, 9)),
        (f"{'a' * 8}:3", f"{'a' * 8}:4", Span("aaaaaaaa:", 3, 4)),
        ("uuid:tag:3", "uuid:tag:3", Span("uuid:tag:", 3, 3)),
        ("log.000001:4", "log.000001:90", Span("log.000001:", 4, 90)),
    ],
)
def test_a_span_has_the_server_and_its_numbers(first: str, last: str, span: Span) -> None:
    assert Span.of(first, last) == span


def test_a_span_of_two_servers_is_refused() -> None:
    with pytest.raises(ValueError, match="one server"):
        Span.of("0-1-5", "0-2-6")
