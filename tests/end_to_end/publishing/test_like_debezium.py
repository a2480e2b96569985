"""What is published is what a real Debezium says of the same statements, but for what is listed."""

from __future__ import annotations

import json
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from cdc.errors import Unfit
from tests.end_to_end.support.published import Told, told, transactions
from tests.end_to_end.support.stream import Stream
from tests.support.debezium_engine import Debezium, Record, debezium
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow  # starts a Debezium

COLUMNS = """
    id INT NOT NULL PRIMARY KEY,
    ti TINYINT, tiu TINYINT UNSIGNED, bo BOOL, si SMALLINT, siu SMALLINT UNSIGNED,
    mi MEDIUMINT, miu MEDIUMINT UNSIGNED, i INT, iu INT UNSIGNED, bi BIGINT, biu BIGINT UNSIGNED,
    f FLOAT, d DOUBLE, de DECIMAL(10,2), de0 DECIMAL(20,0), debig DECIMAL(65,30),
    b1 BIT(1), b10 BIT(10), b64 BIT(64), y YEAR,
    da DATE, t0 TIME, t3 TIME(3), t6 TIME(6), dt0 DATETIME, dt3 DATETIME(3), dt6 DATETIME(6),
    ts0 TIMESTAMP NULL, ts3 TIMESTAMP(3) NULL, ts5 TIMESTAMP(5) NULL, ts6 TIMESTAMP(6) NULL,
    dann DATE NOT NULL, dtnn DATETIME NOT NULL,
    c CHAR(10), vc VARCHAR(100), vl VARCHAR(20) CHARACTER SET latin1, tx TEXT,
    bin BINARY(5), vb VARBINARY(20), bl BLOB,
    en ENUM('a','b','c'), se SET('x','y','z'), js JSON,
    pt POINT, ge GEOMETRY, ls LINESTRING, ptsrid POINT SRID 4326
"""
DIFFERENT_SOURCE = {"version", "pos", "thread"}
"""The place is that of the transaction; the thread is not known."""
OF_THE_MOMENT = {"ts_ms", "ts_us", "ts_ns"}

FILL = """INSERT INTO everything VALUES (
    1, -1, 255, 1, -300, 65535, -8388608, 16777215, -2147483648, 4294967295,
    -9223372036854775808, 18446744073709551615,
    1.1, 2.5e100, -1234.56, 12345678901234567890,
    -12345678901234567890123456789012345.123456789012345678901234567890,
    b'1', b'1000000011', b'1000000000000000000000000000000000000000000000000000000000000001', 2024,
    '2024-02-29', '12:34:56', '-01:02:03.456', '838:59:59.000000', '2024-02-29 12:34:56',
    '2024-02-29 12:34:56.789', '2024-02-29 12:34:56.789012', '2024-02-29 12:34:56',
    '2024-02-29 12:34:56.7', '2024-02-29 12:34:56', '2024-02-29 12:34:56.789000',
    '1000-01-01', '9999-12-31 23:59:59',
    'chär', 'vär🙂', 'é€', 'text', x'0102', x'0001ff', x'00ff', 'b', 'x,z',
    '{"b": [1, 2.5, null, true, "ä q"], "a": {"k": -1, "big": 18446744073709551615, "e": 1e10}}',
    ST_GeomFromText('POINT(1 2)'), ST_GeomFromText('POINT(3 4)'),
    ST_GeomFromText('LINESTRING(0 0,1 1)'), ST_GeomFromText('POINT(10 20)', 4326))"""

STATEMENTS = [
    "SET sql_mode = '', time_zone = '+00:00'",
    FILL,
    "INSERT INTO everything (id, dann, dtnn) VALUES (2, '0000-00-00', '0000-00-00')",
    "INSERT INTO everything (id, da, dt0, ts0, en, se, dann, dtnn, bin, t0, b1, f, js) VALUES"
    " (3, '0000-00-00', '0000-00-00', '0000-00-00', '', '', '2024-00-00', '2024-01-00', '',"
    " '-838:59:59', b'0', 16777216, 'null')",
    "INSERT INTO everything (id, dann, dtnn, f, d, y, de, js) VALUES"
    " (4, '2024-01-01', '2024-01-01', 0.1, 0.1, 1901, -1.28, '[1, {}, []]')",
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
    publishing.table("everything", COLUMNS)
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
