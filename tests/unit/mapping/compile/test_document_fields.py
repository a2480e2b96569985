"""Which fields a document has, and what they are called."""

import struct
from typing import Any

import bson
import pytest

from cdc.mapping.file.letter_case import camel, snake
from cdc.mapping.file.problems import MappingError
from cdc.model.table_map import Column, FieldType, TableMap
from tests.unit.mapping.support.row_images import (
    ID,
    documents,
    image,
    plan,
    prefixed,
    row,
    table,
    varchar,
)

NAME = varchar("first_name")
AGE = Column("age", FieldType.LONG)
PEOPLE = table(NAME, AGE)
ANN = row(1, prefixed(b"Ann"), struct.pack("<i", 30))
NOBODY = row(2, None, None)


def refused(columns: TableMap, **mapping: Any) -> list[str]:
    with pytest.raises(MappingError) as caught:
        plan(columns, **mapping)

    return [one.what for one in caught.value.mistakes]


@pytest.mark.parametrize(
    ("name", "camel_case", "snake_case"),
    [
        ("created_at", "createdAt", "created_at"),
        ("createdAt", "createdAt", "created_at"),
        ("CreatedAt", "createdAt", "created_at"),
        ("USER_NAME", "userName", "user_name"),
        ("HTTPHeader", "httpHeader", "http_header"),
        ("line_2_text", "line2Text", "line_2_text"),
        ("line2Text", "line2Text", "line2_text"),
        ("_private__name", "_privateName", "_private_name"),
        ("größe_cm", "größeCm", "größe_cm"),
        ("x", "x", "x"),
        ("_", "_", "_"),
    ],
)
def test_names_are_taken_apart_in_words(name: str, camel_case: str, snake_case: str) -> None:
    assert (camel(name), snake(name)) == (camel_case, snake_case)


def test_case_renames_the_columns() -> None:
    assert documents(PEOPLE, ANN, case="camel") == [{"_id": 1, "firstName": "Ann", "age": 30}]


def test_case_leaves_the_names_in_an_id_alone() -> None:
    columns = TableMap(
        "shop", "things", (Column("a_b", FieldType.LONG, nullable=False), ID), (0, 1), (0, 0)
    )

    (found,) = documents(columns, image(struct.pack("<i", 7), struct.pack("<q", 1)), case="camel")

    assert found == {"_id": {"a_b": 7, "id": 1}}


def test_two_columns_that_case_gives_one_name_are_a_mistake() -> None:
    columns = table(varchar("a_b"), varchar("aB"))

    assert refused(columns, case="camel") == [
        "columns `a_b` and `aB` would both become `aB`; list `fields`"
    ]


def test_constants_and_the_tables_names_stand_in_every_document() -> None:
    fields = {
        "a.kind": {"value": "person"},
        "a.version": {"value": 2},
        "ratio": {"value": 0.5},
        "old": {"value": False},
        "nothing": {"value": None},
        "schema": {"source": "schema"},
        "table": {"source": "table"},
    }

    (found,) = documents(PEOPLE, ANN, fields=fields)

    assert found == {
        "_id": 1,
        "a": {"kind": "person", "version": 2},
        "ratio": 0.5,
        "old": False,
        "nothing": None,
        "schema": "shop",
        "table": "things",
    }


def test_an_optional_field_is_left_out_once_its_column_is_gone() -> None:
    fields = {
        "age": {"column": "age", "optional": True},
        "size": {"column": "size", "optional": True, "default": 1},
    }

    assert documents(PEOPLE, ANN, fields=fields) == [{"_id": 1, "age": 30}]


def test_nulls_can_be_left_out_with_the_parents_that_they_leave_empty() -> None:
    fields = {
        "name": "first_name",
        "a.b.age": "age",
        "a.b.again": "age",
        "c.age": "age",
        "c.kind": {"value": None},
        "d": {"column": "age", "default": 18},
    }

    found = documents(PEOPLE, ANN, NOBODY, fields=fields, nulls="omit")

    assert found == [
        {
            "_id": 1,
            "name": "Ann",
            "a": {"b": {"age": 30, "again": 30}},
            "c": {"age": 30, "kind": None},
            "d": 30,
        },
        {"_id": 2, "c": {"kind": None}, "d": 18},
    ]


def test_a_null_inside_json_and_a_zero_date_stay_where_nulls_are_left_out() -> None:
    columns = table(
        Column("doc", FieldType.JSON, length_bytes=4), Column("at", FieldType.DATE), NAME
    )
    null, zero = prefixed(b"\x04\x00", 4), bytes(3)

    assert documents(columns, row(1, null, zero, None), nulls="omit") == [
        {"_id": 1, "doc": None, "at": None}
    ]


def test_an_id_can_hold_the_tables_names_and_casts() -> None:
    columns = TableMap(
        "shop_7",
        "things",
        (Column("key", FieldType.STRING, nullable=False, length=16, collation=63),),
        (0,),
        (0,),
    )
    id_ = [{"source": "schema"}, {"column": "key", "type": "uuid"}]

    (found,) = documents(columns, image(prefixed(bytes(range(16)))), id=id_)

    key = bson.Binary(bytes(range(16)), bson.binary.UUID_SUBTYPE)
    assert found == {"_id": {"schema": "shop_7", "key": key}}


def test_a_cast_can_make_a_column_fit_for_an_id() -> None:
    at = Column("at", FieldType.DATETIME2, nullable=False, scale=6)
    columns = TableMap("shop", "things", (at,), (0,), (0,))

    assert "two of its values could become one" in refused(columns)[0]
    assert plan(columns, id={"column": "at", "type": "string"})


def test_a_stamp_cannot_have_the_name_of_a_columns_field() -> None:
    assert refused(table(varchar("seen")), stamp="seen") == [
        "`seen` is the field of a column; name another"
    ]
