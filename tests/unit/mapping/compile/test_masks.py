"""Values that a document must not tell."""

import hashlib
import hmac
import struct
from typing import Any

import bson
import pytest

from cdc.errors import RecordError
from cdc.mapping.file.problems import MappingError
from cdc.model.table_map import Column, FieldType, TableMap
from tests.unit.mapping.support.row_images import (
    MASK_KEY,
    documents,
    image,
    operations,
    plan,
    prefixed,
    row,
    table,
    values,
    varchar,
)

EMAIL = varchar("email")
AMOUNT = Column("amount", FieldType.NEWDECIMAL, precision=4, scale=2)


def digest(text: bytes) -> str:
    return hmac.new(MASK_KEY, text, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("column", "raw", "text"),
    [
        (EMAIL, prefixed("ä@b".encode()), "ä@b".encode()),
        (varchar("v", collation=8), prefixed(b"\xe4@b"), "ä@b".encode()),
        (Column("n", FieldType.LONG), struct.pack("<i", -7), b"-7"),
        (AMOUNT, b"\x8c\x05", b"12.05"),
        (
            Column("d", FieldType.DATE),
            (2024 << 9 | 5 << 5 | 6).to_bytes(3, "little"),
            b"2024-05-06",
        ),
        (Column("d", FieldType.DATE), bytes(3), b"0000-00-00"),
        (Column("e", FieldType.ENUM, length=1, members=("a", "b")), b"\x02", b"b"),
        (
            Column("b", FieldType.VARCHAR, length=9, collation=63),
            prefixed(b"\xff\x00"),
            b"\xff\x00",
        ),
        (Column("b", FieldType.STRING, length=4, collation=63), prefixed(b"\xff"), b"\xff\0\0\0"),
    ],
)
def test_a_hash_is_the_keyed_one_of_the_values_text(
    column: Column, raw: bytes, text: bytes
) -> None:
    assert values(column, raw, mask="hash") == [digest(text)]


def test_null_stays_null_behind_a_hash_unless_there_is_a_default() -> None:
    assert values(EMAIL, None, mask="hash") == [None]
    assert values(EMAIL, None, mask="hash", default="none") == ["none"]


def test_redact_tells_nothing_not_even_whether_there_is_a_value() -> None:
    assert values(EMAIL, prefixed(b"a@b"), None, mask="redact") == ["***", "***"]


def test_truncate_keeps_the_first_characters() -> None:
    found = values(EMAIL, prefixed("äöü".encode()), prefixed(b"a"), None, mask={"truncate": 2})

    assert found == ["äö", "a", None]


def test_truncate_takes_what_select_prints() -> None:
    day = (2024 << 9 | 5 << 5 | 6).to_bytes(3, "little")

    assert values(Column("d", FieldType.DATE), day, mask={"truncate": 4}) == ["2024"]


@pytest.mark.parametrize(
    ("column", "mask"),
    [
        (Column("j", FieldType.JSON, length_bytes=4), "hash"),
        (Column("g", FieldType.GEOMETRY, length_bytes=4), "hash"),
        (Column("b", FieldType.VARCHAR, length=9, collation=63), {"truncate": 1}),
    ],
)
def test_what_has_no_text_cannot_be_masked_by_it(column: Column, mask: object) -> None:
    with pytest.raises(MappingError, match=f"column `{column.name}`: a "):
        plan(table(column), fields={"f": {"column": column.name, "mask": mask}})


def test_an_id_can_be_hashed_and_stands_nowhere_in_the_clear() -> None:
    columns = TableMap(
        "shop",
        "things",
        (
            Column("email", FieldType.VARCHAR, nullable=False, length=255, collation=255),
            varchar("name"),
        ),
        (0,),
        (0,),
    )

    (found,) = operations(
        columns, image(prefixed(b"ann@x"), None), id={"column": "email", "mask": "hash"}, exclude=[]
    )

    assert found.id[5:-1].decode() == digest(b"ann@x")
    assert b"ann@x" not in found.document


def test_neither_an_error_nor_its_cause_tells_a_value() -> None:
    fields = {"email": {"column": "email", "mask": "hash"}}

    with pytest.raises(RecordError) as caught:
        operations(table(EMAIL), row(5, prefixed(b"secret\xff")), fields=fields)

    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_the_key_is_not_told_by_what_it_was_compiled_into() -> None:
    found = plan(table(EMAIL), fields={"email": {"column": "email", "mask": "hash"}})

    assert MASK_KEY.decode() not in repr(found) + found.generated_source


def test_a_masked_column_can_also_be_computed_with_otherwise() -> None:
    fields = {
        "hash": {"column": "email", "mask": "hash"},
        "first": {"column": "email", "mask": {"truncate": 1}},
    }

    assert documents(table(EMAIL), row(1, prefixed(b"ann")), fields=fields) == [
        {"_id": bson.Int64(1), "hash": digest(b"ann"), "first": "a"}
    ]


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        (
            {"fields": {"a": {"column": "id", "mask": "hash"}}},
            "masked in `fields`, but the id shows",
        ),
        ({"fields": {"a": {"column": "id", "mask": "redact"}}}, "masked in `fields`, but the id"),
        ({"exclude": ["id"]}, "column `id` is part of the id"),
    ],
)
def test_a_primary_key_that_the_mapping_hides_is_no_id(keys: dict[str, Any], what: str) -> None:
    with pytest.raises(MappingError, match=what):
        plan(table(EMAIL), **keys)


def test_a_masked_primary_key_may_be_hashed_in_the_id_too() -> None:
    keys = {
        "fields": {"a": {"column": "id", "mask": "redact"}},
        "id": {"column": "id", "mask": "hash"},
    }

    (found,) = documents(table(EMAIL), row(1, prefixed(b"ann")), **keys)

    assert found == {"_id": digest(b"1"), "a": "***"}
