"""A table of every type: what its columns may hold, and what a document has to hold then."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from bson import Decimal128

from tests.end_to_end.support.stream import Stream

TABLE: Final = "kinds"
ROWS: Final = 100


def _same(value: Any) -> Any:
    return value


def _moment(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC)


def _day(value: date) -> datetime:
    return datetime(value.year, value.month, value.day, tzinfo=UTC)


def _time(value: timedelta) -> str:
    """Return it as the server prints a TIME(3)."""
    sign, milliseconds = (
        ("-" if value < timedelta() else ""),
        abs(value) // timedelta(milliseconds=1),
    )
    seconds, thousandths = divmod(milliseconds, 1000)
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{thousandths:03}"


def _bits(value: bytes) -> int:
    return int.from_bytes(value, "big")


def _members(value: str) -> list[str]:
    return value.split(",") if value else []


@dataclass(frozen=True, slots=True)
class Column:
    """A column, some of its values as SQL, and what the target makes of one."""

    definition: str
    values: tuple[str, ...]
    document: Callable[[Any], Any] = _same


COLUMNS: Final[Mapping[str, Column]] = {
    "tiny": Column("TINYINT", ("-128", "127", "0")),
    "large": Column("BIGINT", ("-9223372036854775808", "9223372036854775807", "1")),
    "unsigned_one": Column("INT UNSIGNED", ("0", "4294967295")),
    "price": Column("DECIMAL(20,4)", ("0.1", "-9999999999999999.9999", "12345.6700"), Decimal128),
    "single": Column("FLOAT", ("0.5", "-1.25", "1024")),
    "ratio": Column("DOUBLE", ("0.1", "-1e300", "5e-324")),
    "at": Column("DATETIME(3)", ("'2024-02-29 23:59:59.999'", "'1000-01-01'"), _moment),
    "stamp": Column("TIMESTAMP(3) NULL", ("'2038-01-19 03:14:07'", "'1970-01-02'"), _moment),
    "day": Column("DATE", ("'2024-02-29'", "'9999-12-31'"), _day),
    "span": Column("TIME(3)", ("'-838:59:59'", "'00:00:00.001'", "'23:00'"), _time),
    "year_of": Column("YEAR", ("1901", "2155")),
    "fixed": Column("CHAR(8)", ("''", "'äöü'", "'a b'")),
    "text_of": Column("TEXT", ("''", "REPEAT('€', 300)")),
    "bytes_of": Column("VARBINARY(20)", ("X''", "X'00FF00'")),
    "blob_of": Column("BLOB", ("X''", "REPEAT(X'00', 300)")),
    "member": Column("ENUM('a','€','')", ("'a'", "'€'", "''")),
    "members": Column("SET('x','y','z')", ("''", "'x,z'", "'x,y,z'"), _members),
    "bits": Column("BIT(12)", ("b'0'", "b'111111111111'"), _bits),
    "flag": Column("BIT(1)", ("b'0'", "b'1'"), lambda it: bool(_bits(it))),
    "json_of": Column("JSON", ("'{}'", '\'[1, null, "ä", {"a": [true]}]\'', "'7'"), json.loads),
}


def create(stream: Stream) -> None:
    """Create the table, and follow it."""
    columns = ", ".join(f"{name} {each.definition}" for name, each in COLUMNS.items())
    fields: dict[str, Any] = {name: name for name in COLUMNS}
    # MariaDB's binlog does not tell JSON from text.
    fields["json_of"] = {"column": "json_of", "type": "json"}
    stream.table(TABLE, f"id INT NOT NULL PRIMARY KEY, {columns}", {"fields": fields})


def statements(chance: random.Random) -> Iterator[str]:
    """Yield a transaction."""
    key = chance.randrange(ROWS)
    match chance.randrange(5):
        case 0 | 1:
            values = ", ".join(_value(each, chance) for each in COLUMNS.values())
            yield f"REPLACE INTO {TABLE} VALUES ({key}, {values})"
        case 2 | 3:
            changed = chance.sample(list(COLUMNS), 3)
            values = ", ".join(f"{name} = {_value(COLUMNS[name], chance)}" for name in changed)
            yield f"UPDATE {TABLE} SET {values} WHERE id BETWEEN {key} AND {key + 5}"
        case _:
            yield f"DELETE FROM {TABLE} WHERE id = {key}"


def as_document(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the document of a row has to hold."""
    return {
        name: None if (value := row[name]) is None else column.document(value)
        for name, column in COLUMNS.items()
    }


def _value(column: Column, chance: random.Random) -> str:
    return chance.choice((*column.values, "NULL"))
