from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import bson
import pytest
from bson import Binary, Code, Decimal128, Int64, MaxKey, ObjectId, Regex, Timestamp

from cdc.chunks.foreign_ids import is_foreign
from cdc.writers.documents import document_id

MADE: list[Any] = [
    7,
    Int64(7),
    1.5,
    Decimal128(Decimal("1.5")),
    "a",
    b"a",
    Binary.from_uuid(UUID(int=7)),
    datetime(2026, 1, 2, tzinfo=UTC),
    True,
]
FOREIGN: list[Any] = [
    ObjectId(),
    None,
    MaxKey(),
    Regex("a"),
    Code("a"),
    Timestamp(1, 1),
    {},
    {"a": 1},
    {"a": 1, "b": {"c": 2}},
    {"a": 1, "b": [2]},
    {"a": 1, "b": None},
    {"a": 1, "b": ObjectId()},
]


def id_of(value: Any) -> bytes:
    return document_id(bson.encode({"_id": value}))


@pytest.mark.parametrize("value", [*MADE, dict(zip("abcdefghi", MADE, strict=True))])
def test_what_columns_become_may_be_an_id_that_a_mapping_made(value: Any) -> None:
    assert not is_foreign(id_of(value))


def test_a_document_of_one_field_is_made_where_the_mapping_says_so() -> None:
    assert not is_foreign(id_of({"a": 1}), "a")
    assert is_foreign(id_of({"a": 1}), "b")
    assert is_foreign(id_of({"a": ObjectId()}), "a")
    assert is_foreign(id_of({}), "a")
    assert not is_foreign(id_of({"a": 1, "b": 2}), "a")


@pytest.mark.parametrize("value", FOREIGN)
def test_what_no_column_becomes_is_an_id_that_no_mapping_made(value: Any) -> None:
    assert is_foreign(id_of(value))
