"""Values are ordered as the server orders them."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import bson
from bson import Decimal128, Int64
from pymongo import MongoClient

from cdc.writers.embedding.bson_order import order_of
from cdc.writers.embedding.bson_paths import value_at

VALUES: list[Any] = [
    None,
    *(0, -1, 1, 2**31 - 1, Int64(-(2**63)), Int64(2**63 - 1), 0.5, -0.5, 1e300),
    *(float("nan"), float("inf"), float("-inf"), Decimal128("NaN"), Decimal128("1E+6000")),
    *(Decimal128("0.1"), 0.1, Decimal128("-Infinity"), Decimal128("3"), 9007199254740993),
    *("", "a", "A", "ä", "aa", "😀", "\uffee", "a\0b"),
    *({}, {"a": 1}, {"a": 2}, {"b": 1}, {"a": "1"}, {"a": 1, "b": 1}, {"a": None}, {"a": {"b": 1}}),
    *(b"", b"a", b"b", b"aa", b"\xff", bson.Binary(b"a", 5), bson.Binary(b"a" * 16, 4)),
    *(True, False),
    *(datetime(1969, 1, 1, tzinfo=UTC), datetime(2024, 5, 6, tzinfo=UTC)),
]


def test_values_of_all_types_of_columns_are_in_the_servers_order(
    client: MongoClient[dict[str, Any]], database: str
) -> None:
    documents = [{"_id": at, "v": value} for at, value in enumerate(VALUES)]
    documents.append({"_id": len(VALUES)})
    random.Random(0).shuffle(documents)
    client[database]["values"].insert_many(documents)

    ours = sorted(documents, key=lambda each: (order_of(value_of(each)), each["_id"]))

    theirs = client[database]["values"].find().sort([("v", 1), ("_id", 1)])
    assert [each["_id"] for each in ours] == [each["_id"] for each in theirs]


def value_of(document: dict[str, Any]) -> bytes | None:
    return value_at(bson.encode(document), ("v",))
