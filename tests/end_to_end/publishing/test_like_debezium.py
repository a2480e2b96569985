"""What is published is what a real Debezium says of the same statements, but for what is listed."""

from __future__ import annotations

import json
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from cdc.errors import Unfit
from tests.end_to_end.support.every_type import FILL, SESSION, columns
from tests.end_to_end.support.published import Told, told, transactions
from tests.end_to_end.support.stream import Stream
from tests.support.debezium_engine import Debezium, Record, debezium
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow  # starts a Debezium

DIFFERENT_SOURCE = {"version", "pos", "thread"}
"""The place is that of the transaction; the thread is not known."""
OF_THE_MOMENT = {"ts_ms", "ts_us", "ts_ns"}

STATEMENTS = [
    SESSION,
    *FILL,
    "UPDATE everything SET i = 5, js = '{}' WHERE id = 1",
    "UPDATE everything SET id = 10 WHERE id = 2",
    "DELETE FROM everything WHERE id = 10",
    "BEGIN",
    "INSERT INTO pairs VALUES ('k', 1, 'x'), ('k', 2, 'y')",
    "INSERT INTO items VALUES (7, 'seven')",
    "DELETE FROM pairs WHERE b = 1",
    "COMMIT",
    "TRUNCATE pairs",
    "INSERT INTO items VALUES (8, 'eight')",
]


@pytest.fixture
def both(publishing: Stream, tmp_path: Path) -> tuple[Stream, Debezium]:
    """Both have followed the statements, on the same server."""
    schema = publishing.schema
    publishing.table("everything", columns("mysql"))
    publishing.table(
        "pairs", "a VARCHAR(5), b BIGINT UNSIGNED, c TEXT, PRIMARY KEY (a, b)", {"id": ["a", "b"]}
    )
    publishing.start()
    publishing.until_streaming()
    topic = f"{publishing.name}.{schema}.items"
    try:
        with debezium(publishing.source, tmp_path, name=publishing.name, schema=schema) as engine:
            tries = iter(range(-1, -100_000, -1))

            def is_awake() -> bool:
                key = next(tries)
                publishing.sql(f"INSERT INTO items VALUES ({key}, 'awake?')")
                return any(engine.has(topic, {"id": each}) for each in range(key, 0))

            eventually(is_awake, 120, waiting_for="Debezium")
            publishing.sql(*STATEMENTS)
            engine.until(topic, {"id": 8})
    except Unfit as error:
        pytest.skip(str(error))
    publishing.until_caught_up()
    return publishing, engine


def test_the_same_is_told_of_the_same_statements(both: tuple[Stream, Debezium]) -> None:
    stream, engine = both

    for table in ("everything", "pairs", "items"):
        theirs = _of(engine, f"{stream.name}.{stream.schema}.{table}")
        ours = [_seen(each) for each in told(stream, table)]
        if table == "items":  # those by which it was seen that Debezium was awake
            theirs, ours = theirs[-2:], ours[-2:]
        assert len(theirs) > 1, table
        assert ours == theirs, table


def test_transactions_are_told_the_same(both: tuple[Stream, Debezium]) -> None:
    stream, engine = both
    theirs = _of(engine, f"{stream.name}.transaction")
    begun = theirs[0][1]["id"]

    ours = [_seen(each) for each in transactions(stream)]

    since = next(at for at, each in enumerate(ours) if each[1]["id"] == begun)
    count = len(theirs) - 1  # the last one's end may not have come yet
    assert ours[since + (theirs[0][1]["status"] == "END") :][:count] == theirs[:count]


def _of(engine: Debezium, topic: str) -> list[tuple[Any, Any]]:
    return [_seen(each) for each in engine.records if each.topic == topic]


def _in_order(transaction: dict[str, Any]) -> dict[str, Any]:
    """Return it with its tables by name: Debezium has them in the order of their names' hashes."""
    tables = transaction.get("data_collections") or []
    ordered = sorted(tables, key=itemgetter("data_collection"))
    return {**transaction, "data_collections": ordered}


def _seen(message: Told | Record) -> tuple[Any, Any]:
    """Return the key and the value, without what is known to differ."""
    value = message.value
    if value is None:
        return message.key, None
    if "op" not in value:
        return message.key, _in_order(value)
    found = {key: each for key, each in value.items() if key not in OF_THE_MOMENT}
    left_out = DIFFERENT_SOURCE | (OF_THE_MOMENT if value["op"] == "t" else set())
    found["source"] = {key: each for key, each in value["source"].items() if key not in left_out}
    for side in ("before", "after"):
        row = found[side]
        if row and row.get("js"):
            found[side] = {**row, "js": json.loads(row["js"])}
    return message.key, found
