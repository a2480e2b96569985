from __future__ import annotations

from decimal import Decimal
from typing import Any

import bson
import pytest
from bson import Decimal128, Int64
from hypothesis import given
from hypothesis import strategies as st

from cdc.model.batch import Batch, MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.document_id import query
from cdc.model.operation import Operation, OperationKind
from cdc.model.position import FilePosition
from cdc.writers.coalescing import Writes, coalesce, in_source_order

INSERT, REPLACE, DELETE = OperationKind.INSERT, OperationKind.REPLACE, OperationKind.DELETE


def operation(kind: OperationKind, key: Any, value: int = 0) -> Operation:
    raw = bson.encode({"_id": key})
    identifier = raw[4:5] + raw[9:-1]
    document = b"" if kind is DELETE else bson.encode({"_id": key, "value": value})
    return Operation(kind, identifier, document)


def batch(*operations: Operation) -> Batch:
    checkpoint = Checkpoint(FilePosition("b.000001", 4))
    changes = tuple(("c", [each]) for each in operations)
    return Batch((MappedTransaction("1", checkpoint, 0.0, changes),))


def coalesced(*operations: Operation, insert_first: bool = True) -> Writes:
    return coalesce(batch(*operations), insert_first=insert_first)["c"]


def apply(writes: Writes, documents: dict[Any, Any]) -> dict[Any, Any]:
    after = dict(documents)
    for each in writes.deletes:
        after.pop(bson.decode(query(each.id))["_id"], None)
    for each in writes.inserts:
        document = bson.decode(each.document)
        assert document["_id"] not in after, "E11000"
        after[document["_id"]] = document
    for each in writes.replaces:
        document = bson.decode(each.document)
        after[document["_id"]] = document
    return after


keys = st.integers(0, 3)
scripts = st.lists(st.tuples(st.booleans(), keys, st.integers(0, 9)), max_size=12)


@given(st.sets(keys), scripts, st.booleans())
def test_a_coalesced_batch_ends_where_its_operations_end(
    present: set[int], script: list[tuple[bool, int, int]], insert_first: bool
) -> None:
    before = {key: {"_id": key, "value": -1} for key in present}
    documents, operations = dict(before), []
    for removes, key, value in script:
        if removes:
            documents.pop(key, None)
            operations.append(operation(DELETE, key))
        else:
            kind = REPLACE if key in documents else INSERT
            documents[key] = {"_id": key, "value": value}
            operations.append(operation(kind, key, value))

    writes = coalesce(batch(*operations), insert_first=insert_first).get("c", Writes())

    assert apply(writes, before) == documents


def test_each_key_is_written_once() -> None:
    writes = coalesced(operation(INSERT, 1), operation(REPLACE, 1, 5), operation(REPLACE, 1, 6))

    assert writes.inserts == [operation(INSERT, 1, 6)]
    assert not writes.replaces
    assert not writes.deletes


def test_an_insert_after_a_delete_of_the_same_key_replaces() -> None:
    writes = coalesced(operation(DELETE, 1), operation(INSERT, 1, 5))

    assert writes.replaces == [operation(REPLACE, 1, 5)]


def test_inserts_are_sent_as_replaces_where_the_target_may_have_them() -> None:
    writes = coalesced(operation(INSERT, 1, 5), insert_first=False)

    assert [each.document for each in writes.replaces] == [operation(INSERT, 1, 5).document]
    assert not writes.inserts


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (5, Int64(5)),
        (5, 5.0),
        (Int64(5), Decimal128(Decimal("5.00"))),
        (Decimal128(Decimal("1.1")), Decimal128(Decimal("1.10"))),
        (0.0, -0.0),
    ],
    ids=repr,
)
def test_ids_that_mongodb_takes_for_equal_are_one_key(one: Any, other: Any) -> None:
    writes = coalesced(operation(INSERT, one, 1), operation(DELETE, other))

    assert not writes.inserts
    assert writes.deletes == [operation(DELETE, other)]


@pytest.mark.parametrize(
    ("one", "other"), [(5, "5"), ("a", "A"), (b"a", "a"), (0.1, Decimal128("0.1"))]
)
def test_ids_that_mongodb_tells_apart_are_two_keys(one: Any, other: Any) -> None:
    writes = coalesced(operation(INSERT, one), operation(INSERT, other))

    assert len(writes.inserts) == 2


def test_all_operations_keep_the_order_of_the_source() -> None:
    operations = [operation(INSERT, 1), operation(DELETE, 2), operation(INSERT, 2)]

    assert [(kind, len(run)) for _, kind, run in in_source_order(batch(*operations))] == [
        (INSERT, 1),
        (DELETE, 1),
        (INSERT, 1),
    ]
