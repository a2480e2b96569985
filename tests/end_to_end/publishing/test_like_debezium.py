"""What is published is what a real Debezium says of the same statements, but for what is listed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from cdc.errors import Unfit
from tests.end_to_end.support.command import cdc
from tests.end_to_end.support.every_type import FILL, SESSION, columns
from tests.end_to_end.support.published import Told, told, transactions
from tests.end_to_end.support.stream import Stream
from tests.support.debezium_engine import Debezium, Record, debezium
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow  # starts a Debezium

DIFFERENT_SOURCE = {"version", "pos", "thread"}
"""The place is that of the transaction; the thread is not known."""
OF_THE_MOMENT = {"ts_ms", "ts_us", "ts_ns"}

SIGNALS = (
    "CREATE TABLE signals"
    " (id VARCHAR(42) NOT NULL PRIMARY KEY, type VARCHAR(32) NOT NULL, data VARCHAR(2048))"
)

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


@contextmanager
def followed(publishing: Stream, folder: Path) -> Iterator[tuple[Stream, Debezium]]:
    """Have both follow the statements, on the same server."""
    schema = publishing.schema
    publishing.table("everything", columns("mysql"))
    publishing.table(
        "pairs", "a VARCHAR(5), b BIGINT UNSIGNED, c TEXT, PRIMARY KEY (a, b)", {"id": ["a", "b"]}
    )
    publishing.sql(SIGNALS)
    publishing.start()
    publishing.until_streaming()
    topic = f"{publishing.name}.{schema}.items"
    try:
        with debezium(publishing.source, folder, name=publishing.name, schema=schema) as engine:
            tries = iter(range(-1, -100_000, -1))

            def is_awake() -> bool:
                key = next(tries)
                publishing.sql(f"INSERT INTO items VALUES ({key}, 'awake?')")
                return any(engine.has(topic, {"id": each}) for each in range(key, 0))

            eventually(is_awake, 120, waiting_for="Debezium")
            publishing.sql(*STATEMENTS)
            engine.until(topic, {"id": 8})
            publishing.until_caught_up()
            yield publishing, engine
    except Unfit as error:
        pytest.skip(str(error))


@pytest.fixture
def both(publishing: Stream, tmp_path: Path) -> Iterator[tuple[Stream, Debezium]]:
    """Both have followed the statements."""
    with followed(publishing, tmp_path) as found:
        yield found


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


def test_the_same_is_told_of_rows_that_are_read(both: tuple[Stream, Debezium]) -> None:
    stream, engine = both
    topic = f"{stream.name}.{stream.schema}.everything"
    before = len(engine.of(topic)), len(told(stream, "everything"))
    tables = json.dumps(
        {"type": "incremental", "data-collections": [f"{stream.schema}.everything"]}
    )
    stream.sql(f"INSERT INTO signals VALUES ('1', 'execute-snapshot', '{tables}')")

    done = cdc(stream, "backfill", f"{stream.schema}.everything")

    assert done.returncode == 0, done.stderr
    ours = [_seen_read(each) for each in told(stream, "everything")[before[1] :]]
    assert len(ours) == 3
    eventually(lambda: len(engine.of(topic)) >= before[0] + len(ours), waiting_for="its reads")
    theirs = [_seen_read(each) for each in engine.of(topic)[before[0] :]]
    assert ours == theirs


def _of(engine: Debezium, topic: str) -> list[tuple[Any, Any]]:
    return [_seen(each) for each in engine.of(topic)]


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


def _seen_read(message: Told | Record) -> tuple[Any, Any]:
    """Return what `_seen` does of a row that was read, but for what is known to differ then, too.

    Debezium's SELECT has FLOATs with six digits, and no zeros at the end of a fraction.
    """
    key, value = _seen(message)
    row = dict(value["after"])
    if row["f"] is not None:
        row["f"] = float(f"{row['f']:.6g}")
    for name in ("ts3", "ts5", "ts6"):
        row[name] = row[name] and re.sub(r"\.?0*Z$", "Z", row[name])
    source = {name: each for name, each in value["source"].items() if name not in OF_THE_MOMENT}
    source["gtid"] = source["gtid"].partition(":")[0]  # which was last may differ
    return key, {**value, "after": row, "source": source}
