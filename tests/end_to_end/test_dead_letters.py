"""Rows that cannot be carried over are set aside, and the stream goes on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.end_to_end.support.stream import Stream

ON_MYSQL = pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)
COLUMNS = (
    "id INT NOT NULL PRIMARY KEY, word VARCHAR(20), secret VARCHAR(40), notes LONGTEXT,"
    " data TEXT, number INT"
)
MAPPING = {
    "fields": {
        "word": "word",
        "hidden": {"column": "secret", "mask": "redact"},
        "notes": "notes",
        "data": {"column": "data", "type": "json"},
        "number": "number",
    }
}
SECRET = "swordfish-4711"


@pytest.fixture
def items(stream: Stream) -> Stream:
    stream.table("items", COLUMNS, MAPPING)
    stream.start()
    stream.until_streaming()
    return stream


def letters(stream: Stream, state: str = "open") -> dict[Any, dict[str, Any]]:
    """The letters in a state by key."""
    return {each["key"]: each for each in stream.state["dead_letters"].find({"state": state})}


def insert(key: int, **values: str) -> str:
    row = {"id": str(key), "secret": f"'{SECRET}'", **values}
    return f"INSERT INTO items ({', '.join(row)}) VALUES ({', '.join(row.values())})"


@ON_MYSQL
def test_what_fails_is_set_aside_beside_the_rest_of_its_transaction(items: Stream) -> None:
    items.client[items.database.name].command(
        {"create": "items", "validator": {"number": {"$not": {"$gt": 100}}}}
    )
    items.database["items"].create_index("word", unique=True)
    items.transaction(
        insert(1, word="'one'", number="1"),
        insert(2, word="'two'", data="'no JSON'"),
        insert(3, word="'three'", number="500"),
        insert(4, word="'one'"),
        "SET @filling = REPEAT('x', 1 << 20)",
        insert(5, word="'five'", notes="REPEAT(@filling, 17)"),
        insert(6, word="'six'"),
    )

    items.until_caught_up()

    assert items.documents("items").keys() == {1, 6}
    found = letters(items)
    assert {key: each["reason"] for key, each in found.items()} == {
        2: "value",
        3: "validator",
        4: "duplicate",
        5: "too_large",
    }
    assert sorted(items.ledger()) == sorted(items.history.committed())
    assert {each["count"] for each in found.values()} == {1}
    assert {each["transaction"] for each in found.values()} <= items.history.committed()
    assert {each["truncated"] for key, each in found.items() if key != 5} == {False}
    assert found[5]["truncated"]
    assert found[5]["row_bytes"] > 17 << 20
    assert len(found[5]["row"]) < 100_000
    assert found[3]["row"] == (
        '{"_id": 3, "word": "three", "hidden": "***", "notes": null, "data": null, "number": 500}'
    )
    said = items.daemon.events("dead_letter")
    assert {each["reason"] for each in said} == {"value", "validator", "duplicate", "too_large"}
    assert SECRET not in str(found) + items.daemon.stderr
