import struct
from datetime import datetime

import bson
import pytest

from cdc.errors import Corrupted, RecordError, RefusedEvent
from cdc.model.operation import Operation, OperationKind
from cdc.model.table_map import Column, FieldType, TableMap
from cdc.model.transaction import RowsKind
from tests.unit.mapping.support.row_images import (
    documents,
    event,
    image,
    operations,
    plan,
    prefixed,
    row,
    table,
    varchar,
)

NAME = varchar("name")
AGE = Column("age", FieldType.LONG)
PEOPLE = table(NAME, AGE)
ANN = row(1, prefixed(b"Ann"), struct.pack("<i", 30))
BOB = row(2, prefixed(b"Bob"), None)


def test_an_insert_carries_its_id_and_its_document() -> None:
    (operation,) = operations(PEOPLE, ANN)

    assert operation.kind is OperationKind.INSERT
    assert operation.id == b"\x12" + struct.pack("<q", 1)
    assert operation.document == bson.encode({"_id": bson.Int64(1), "name": "Ann", "age": 30})


def test_rows_with_and_without_nulls_follow_each_other_in_order() -> None:
    found = documents(PEOPLE, ANN, BOB, ANN, ANN, BOB)

    assert [one["age"] for one in found] == [30, None, 30, 30, None]


def test_an_update_that_keeps_the_id_replaces_the_document() -> None:
    found = operations(PEOPLE, ANN, row(1, prefixed(b"Anna"), None), kind=RowsKind.UPDATE)

    assert found == [
        Operation(
            OperationKind.REPLACE,
            b"\x12" + struct.pack("<q", 1),
            bson.encode({"_id": bson.Int64(1), "name": "Anna", "age": None}),
        )
    ]


def test_an_update_of_the_id_deletes_the_old_document_and_writes_the_new_one() -> None:
    found = operations(PEOPLE, ANN, BOB, kind=RowsKind.UPDATE)

    assert [(one.kind, one.id[1]) for one in found] == [
        (OperationKind.DELETE, 1),
        (OperationKind.REPLACE, 2),
    ]


def test_a_delete_carries_the_id_alone() -> None:
    found = operations(PEOPLE, ANN, BOB, kind=RowsKind.DELETE)

    assert found == [
        Operation(OperationKind.DELETE, b"\x12" + struct.pack("<q", number)) for number in (1, 2)
    ]


def test_fields_nest_where_they_are_first_mentioned() -> None:
    fields = {"who.name": "name", "number": "id", "who.years.now": "age"}

    (found,) = documents(PEOPLE, ANN, fields=fields)

    assert list(found.items()) == [
        ("_id", 1),
        ("who", {"name": "Ann", "years": {"now": 30}}),
        ("number", 1),
    ]


def test_an_excluded_column_is_left_out() -> None:
    assert documents(PEOPLE, ANN, exclude="name") == [{"_id": 1, "age": 30}]


def test_one_column_can_fill_several_fields_in_several_types() -> None:
    fields = {"age": "age", "text": {"column": "age", "type": "string"}, "again": "age"}

    assert documents(PEOPLE, ANN, fields=fields) == [
        {"_id": 1, "age": 30, "text": "30", "again": 30}
    ]


def test_a_default_stands_for_null_only() -> None:
    fields = {"age": {"column": "age", "default": 18}}

    assert documents(PEOPLE, ANN, BOB, fields=fields) == [
        {"_id": 1, "age": 30},
        {"_id": 2, "age": 18},
    ]


def test_a_compound_key_becomes_a_document_in_the_keys_order() -> None:
    columns = (
        Column("a", FieldType.LONG, nullable=False),
        varchar("b"),
        Column("c", FieldType.LONG, nullable=False),
    )
    links = TableMap("shop", "links", columns, (2, 0), (0, 0))
    one = image(struct.pack("<i", 7), prefixed(b"x"), struct.pack("<i", 9))

    (operation,) = operations(links, one)

    assert bson.decode(operation.document) == {"_id": {"c": 9, "a": 7}, "b": "x"}
    assert operation.id == b"\x03" + bson.encode({"c": 9, "a": 7})


def test_the_mapping_decides_the_order_of_a_compound_id() -> None:
    columns = (
        Column("a", FieldType.LONG, nullable=False),
        Column("c", FieldType.LONG, nullable=False),
    )
    links = TableMap("shop", "links", columns, (1, 0), (0, 0))

    (found,) = documents(links, image(struct.pack("<i", 7), struct.pack("<i", 9)), id=["a", "c"])

    assert list(found["_id"].items()) == [("a", 7), ("c", 9)]


def test_a_big_endian_column_before_text_is_not_read_in_the_texts_byte_order() -> None:
    at = Column("at", FieldType.TIMESTAMP2, scale=1)
    one = row(1, (1_000_000_000).to_bytes(4, "big") + b"\x1e", prefixed(b"Ann"))

    (found,) = documents(table(at, NAME), one)

    assert found == {"_id": 1, "at": datetime(2001, 9, 9, 1, 46, 40, 300_000), "name": "Ann"}


def test_a_document_larger_than_the_table_of_lengths_is_framed_rightly() -> None:
    columns = table(Column("text", FieldType.BLOB, length_bytes=4, collation=255))
    text = b"x" * 100_000

    assert documents(columns, row(1, prefixed(text, 4))) == [{"_id": 1, "text": text.decode()}]


def test_an_event_without_all_the_columns_is_refused_by_table() -> None:
    with pytest.raises(RefusedEvent, match=r"shop\.things"):
        plan(PEOPLE).operations(event(PEOPLE, ANN, present=b"\x03"), 0)


@pytest.mark.parametrize("kind", list(RowsKind))
def test_images_cut_short_anywhere_are_corrupted(kind: RowsKind) -> None:
    columns = table(NAME, AGE, Column("at", FieldType.DATETIME2, scale=6))
    at = ((1 << 63) | ((2020 * 13 + 5) << 46) | (4 << 41)).to_bytes(8, "big")
    images = row(1, prefixed(b"Ann"), struct.pack("<i", 30), at) * 2
    compiled = plan(columns)

    for end in range(1, len(images)):
        if kind is not RowsKind.UPDATE and end == len(images) // 2:
            continue
        with pytest.raises(Corrupted):
            compiled.operations(event(columns, images[:end], kind=kind), 0)


def test_a_null_in_the_id_is_an_error_of_the_record() -> None:
    with pytest.raises(RecordError, match="`id` is part of the id"):
        operations(PEOPLE, image(None, prefixed(b"Ann"), None))


def test_an_error_of_a_record_names_column_and_id_but_no_value() -> None:
    with pytest.raises(RecordError, match=r"`name` of the row with id 5 .*shop\.things") as caught:
        operations(PEOPLE, row(5, prefixed(b"secret\xff"), None))

    assert "secret" not in str(caught.value)


def test_beyond_the_limit_of_patterns_rows_are_still_read() -> None:
    columns = table(*(Column(f"c{at}", FieldType.TINY) for at in range(1200)))
    compiled = plan(columns)
    images = [
        row(number, *(None if at % (number + 2) else bytes((number,)) for at in range(1200)))
        for number in range(12)
    ]

    found = [bson.decode(one.document) for one in compiled.operations(event(columns, *images), 0)]

    assert [one["_id"] for one in found] == list(range(12))
    assert [sum(value is not None for value in one.values()) - 1 for one in found] == [
        len(range(0, 1200, number + 2)) for number in range(12)
    ]


def test_the_generated_source_is_what_explain_shows() -> None:
    assert "def insert(images, p, append, now):" in plan(PEOPLE).generated_source
    assert "\\x02name\\x00" in plan(PEOPLE).generated_source
