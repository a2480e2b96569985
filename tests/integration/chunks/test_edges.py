"""Values at the edges of their types: by the binlog, by SELECT, by an expression, and by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from bson.datetime_ms import DatetimeMS
from bson.int64 import Int64

from cdc_sandbox.servers import Flavour, MySQLServer
from tests.integration.chunks.support.both_paths import by_binlog, by_select
from tests.integration.chunks.support.reading import chunk_reader, executed
from tests.support.features import LATE_TIMESTAMPS, has

YEAR_ZERO = -62_167_219_200_000
"""0000-01-01T00:00:00Z, 366 days before 0001-01-01: the year 0 of ISO 8601 is a leap year."""
DAY = 86_400_000
LATE = (1 << 31) * 1000
"""The first moment that older versions of a TIMESTAMP do not reach."""
NO_TEXT = "a member that is no text in the column's charset"

ZERO_DATES = ("0000-00-00", "0000-01-00", "0000-00-01", "2024-00-10", "2024-01-00")
DATES = {
    "0000-01-01": YEAR_ZERO,
    "0000-02-28": YEAR_ZERO + 58 * DAY,
    "0000-02-29": YEAR_ZERO + 59 * DAY,
    "0000-03-01": YEAR_ZERO + 60 * DAY,
    "0000-12-31": YEAR_ZERO + 365 * DAY,
    "0001-01-01": YEAR_ZERO + 366 * DAY,
    "1899-12-31": -2_208_988_800_000 - DAY,
    "1969-12-31": -DAY,
    "1970-01-01": 0,
    "2000-02-29": 951_782_400_000,
    "9999-12-31": 253_402_214_400_000,
    **dict.fromkeys((*ZERO_DATES, "1900-02-29", "0100-02-29", "2024-02-30", "2023-04-31")),
}
TIMES_OF_DAY = {
    "00:00:00.000000": 0,
    "00:00:00.000001": 0,
    "00:00:00.000999": 0,
    "00:00:00.001000": 1,
    "12:34:56.789123": 45_296_789,
    "23:59:59.999999": DAY - 1,
}
SCALES = range(7)


@dataclass(frozen=True)
class Edge:
    """A column, its values as SQL, and for each the BSON value and the text that it becomes."""

    type: str
    values: dict[str, tuple[Any, str]]
    flavours: frozenset[Flavour] = frozenset({"mysql", "mariadb"})

    def __str__(self) -> str:
        return self.type


def cut(time: str, scale: int) -> str:
    """A time that a column of that scale holds without rounding."""
    return time[: 9 + scale] if scale else time[:8]


def dates() -> Edge:
    return Edge("DATE", {f"'{text}'": (moment(at), text) for text, at in DATES.items()})


def datetimes(scale: int) -> Edge:
    values = {}
    for day, midnight in DATES.items():
        for time in TIMES_OF_DAY:
            text = f"{day} {cut(time, scale)}"
            at = None if midnight is None else midnight + milliseconds(cut(time, scale))
            values[f"'{text}'"] = (moment(at), text)
    return Edge(f"DATETIME({scale})", values)


def timestamps(scale: int, flavour: Flavour) -> Edge:
    seconds = [1, 951_782_400, 1_711_846_800, 1_729_990_800, 1_483_228_799, (1 << 31) - 1]
    if flavour == "mariadb":
        seconds += [1 << 31, (1 << 32) - 1]
    zero = "0000-00-00 " + cut("00:00:00.000000", scale)
    values: dict[str, tuple[Any, str]] = {f"'{zero}'": (None, zero)}
    for time in TIMES_OF_DAY:
        fraction = cut(f"00:00:00{time[8:]}", scale)[8:]
        within = seconds if flavour == "mysql" or not fraction.strip(".0") else [0, *seconds]
        for second in within:
            text = f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M:%S}{fraction}"
            at = second * 1000 + milliseconds(f"00:00:00{fraction}")
            values[f"'{text}'"] = (moment(at), text)
    return Edge(f"TIMESTAMP({scale}) NULL", values, frozenset({flavour}))


def times(scale: int) -> Edge:
    texts = [cut(time, scale) for time in TIMES_OF_DAY]
    texts += ["838:59:59" + cut("00:00:00.000000", scale)[8:]]
    texts += [f"-{text}" for text in texts if text.strip(":.0")]
    return Edge(f"TIME({scale})", {f"'{text}'": (text, text) for text in texts})


def moment(at: int | None) -> DatetimeMS | None:
    return None if at is None else DatetimeMS(at)


def milliseconds(time: str) -> int:
    hour, minute, second = time[:8].split(":")
    whole = (int(hour) * 60 + int(minute)) * 60 + int(second)
    return whole * 1000 + int(f"{time[9:]:0<3}"[:3] or 0)


def edges() -> Iterator[Edge]:
    yield dates()
    for scale in SCALES:
        yield datetimes(scale)
        yield timestamps(scale, "mysql")
        yield timestamps(scale, "mariadb")
        yield times(scale)


def held(edge: Edge, server: MySQLServer) -> dict[str, tuple[Any, str]]:
    """Those values that the server's version has."""
    if not edge.type.startswith("TIMESTAMP") or has(server, LATE_TIMESTAMPS):
        return edge.values
    return {
        sql: (value, text)
        for sql, (value, text) in edge.values.items()
        if value is None or value < DatetimeMS(LATE)
    }


@pytest.mark.parametrize("edge", list(edges()), ids=str)
def test_a_value_at_the_edge_becomes_what_it_must_whichever_way_it_comes(
    source: MySQLServer, schema: str, edge: Edge
) -> None:
    if source.flavour not in edge.flavours:
        pytest.skip(f"not of {source.flavour}")
    text = {"column": "v", "type": "string"}
    fields: dict[str, Any] = {"value": "v", "computed": {"sql": "v"}, "text": text}
    values = held(edge, source)

    def act() -> None:
        with closing(source.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'")
            cursor.execute(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, v {edge.type})")
            rows = ", ".join(f"({at}, {value})" for at, value in enumerate(values))
            cursor.execute(f"INSERT INTO {schema}.t VALUES {rows}")

    streamed = by_binlog(source, schema, act, fields=fields)
    copied = by_select(source, schema, "t", fields=fields)

    expected = {
        at: {"value": value, "computed": value, "text": text}
        for at, (value, text) in enumerate(values.values())
    }
    assert streamed == expected
    assert copied == expected


MEMBERS: dict[str, dict[int, Any]] = {
    "ENUM(0xFFFF, 'b')": {1: None, 2: "b"},
    "ENUM(0x61FF62, 'b')": {1: None, 2: "b"},
    "ENUM('?', 'b', '🐬')": {1: "?", 2: "b", 3: "🐬"},
    "ENUM(0xFF61, 'b') CHARACTER SET utf8mb3": {1: None, 2: "b"},
    "ENUM(0xFF, 'b') CHARACTER SET ascii": {1: None, 2: "b"},
    "ENUM(0xFF, '?') CHARACTER SET binary": {1: None, 2: "?"},
    "SET('ü', 'b') CHARACTER SET binary": {1: None, 2: ["b"], 3: None},
    "ENUM('ü', 'b') CHARACTER SET binary": {1: None, 2: "b"},
    "ENUM(0xE4, 'b') CHARACTER SET latin1": {1: "ä", 2: "b"},
    "SET(0xFF61, 'b', '?')": {2: ["b"], 4: ["?"], 6: ["b", "?"], 1: None, 3: None},
}


@pytest.mark.parametrize("column", MEMBERS)
def test_a_member_that_is_no_text_fails_the_rows_that_hold_it_and_no_others(
    source: MySQLServer, schema: str, column: str
) -> None:
    values = MEMBERS[column]
    if column.startswith("SET") and source.flavour == "mysql":
        pytest.skip("MySQL takes no such SET")

    def act() -> None:
        source.execute(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, v {column})")
        for number in values:
            source.execute(f"INSERT INTO {schema}.t VALUES ({number}, {number})")

    streamed = by_binlog(source, schema, act)
    copied = by_select(source, schema, "t")

    expected = {
        number: {"failed": NO_TEXT} if value is None else {"v": value}
        for number, value in values.items()
    }
    assert streamed == expected
    assert copied == expected


def test_a_member_that_is_no_text_does_not_matter_to_a_mapping_without_its_column(
    source: MySQLServer, schema: str
) -> None:
    def act() -> None:
        source.execute(f"CREATE TABLE {schema}.t (id BIGINT PRIMARY KEY, v ENUM(0xFFFF), w INT)")
        source.execute(f"INSERT INTO {schema}.t VALUES (1, 1, 7)")

    streamed = by_binlog(source, schema, act, exclude=["v"])
    copied = by_select(source, schema, "t", exclude=["v"])

    assert streamed == copied == {Int64(1): {"w": 7}}


def test_a_row_whose_key_is_of_the_year_zero_is_found_by_its_id(
    source: MySQLServer, schema: str
) -> None:
    source.execute(f"CREATE TABLE {schema}.t (a DATE, b DATETIME(3), PRIMARY KEY (a, b))")
    source.execute(f"INSERT INTO {schema}.t VALUES ('0000-01-02', '0000-12-31 23:59:59.999')")
    ids = [DatetimeMS(YEAR_ZERO + DAY), DatetimeMS(YEAR_ZERO + 366 * DAY - 1)]

    with chunk_reader(source) as reader:
        table = reader.open(schema, "t")
        key = table.key_found(ids)
        assert key is not None
        found = reader.lookup(table, [key], applied=executed(source))

    assert found.rows == 1
