"""The plan and mysql-replication read the same binlog alike, where that library reads rightly."""

from __future__ import annotations

from contextlib import closing
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from bson.decimal128 import Decimal128
from hypothesis import strategies as st
from pymysqlreplication import BinLogStreamReader
from pymysqlreplication.row_event import WriteRowsEvent

from cdc_sandbox.servers import MySQLServer
from tests.integration.mapping.support.binlog import applied, operations
from tests.integration.mapping.support.examined import Examined
from tests.integration.mapping.support.kinds import (
    BINARIES,
    BITS,
    CHARACTERS,
    DATES,
    DECIMALS,
    ENUMS,
    FLOATS,
    INTEGERS,
    TIMES,
    Kind,
)
from tests.integration.mapping.support.random_tables import fill
from tests.support.campaigns import drawn
from tests.support.dialect import log_status

RANDOM_ROWS = 20


WRONG = ("COMPRESSED", "BINARY(16)", "BINARY(255)", "YEAR")
"""What it misreads or cannot read, by type; a VARBINARY is read rightly."""


def trusted(kind: Kind) -> bool:
    """Whether the library is right about the type; SELECT has shown where it is not.

    It takes the fraction of a negative TIME from the wrong end, and knows few charsets.
    """
    if kind.type is not None or (kind.sql.startswith("TIME(") and kind.sql != "TIME(0)"):
        return False
    readable = "CHARACTER SET" not in kind.sql or "utf8mb" in kind.sql
    return readable and not any(each in kind.sql for each in WRONG)


KINDS = [
    kind
    for kinds in (INTEGERS, DECIMALS, FLOATS, DATES, TIMES, CHARACTERS, BINARIES, ENUMS, BITS)
    for kind in kinds
    if trusted(kind)
]


def readable(kind: Kind) -> st.SearchStrategy[Any]:
    """Values of a type; it takes an empty SET for NULL."""
    return kind.values.filter(bool) if kind.sql.startswith("SET") else kind.values


def alike(value: Any) -> Any:
    """A value of either side, in one form."""
    if isinstance(value, Decimal128):
        return value.to_decimal()
    if isinstance(value, datetime):
        return value.replace(microsecond=value.microsecond // 1000 * 1000)
    if isinstance(value, list):
        return set(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    return value


def expected(kind: Kind, value: Any) -> Any:
    """What the plan must give for a value of the library."""
    if value is None:
        return None
    if kind.sql.startswith("BIT"):
        return int(value, 2)
    if kind.sql.startswith("TIME("):
        return _clock(value, int(kind.sql[5]))
    if kind in BINARIES:
        return value.encode() if isinstance(value, str) else value
    if kind.sql == "FLOAT":
        return pytest.approx(value, rel=1e-6)
    return alike(value)


def _clock(value: timedelta, digits: int) -> str:
    microseconds = value // timedelta(microseconds=1)
    sign, microseconds = ("-", -microseconds) if microseconds < 0 else ("", microseconds)
    seconds, fraction = divmod(microseconds, 1_000_000)
    clock = f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return clock + f".{fraction:06d}"[: digits + 1] * bool(digits)


def position(server: MySQLServer) -> tuple[str, int]:
    ((file, offset, *_),) = server.execute(log_status(server))
    return file, offset


def inserted(server: MySQLServer, schema: str, at: tuple[str, int]) -> dict[int, dict[str, Any]]:
    """The rows inserted since, as mysql-replication reads them."""
    account = {
        "host": server.host,
        "port": server.port,
        "user": server.user,
        "password": server.password,
    }
    stream = BinLogStreamReader(
        connection_settings=account,
        server_id=4343,
        log_file=at[0],
        log_pos=at[1],
        resume_stream=True,
        only_events=[WriteRowsEvent],
        only_schemas=[schema],
        only_tables=["t"],
    )
    with closing(stream):
        rows = [row["values"] for event in stream for row in event.rows]
    return {row["id"]: row for row in rows}


@pytest.mark.filterwarnings("ignore:'db' is deprecated:DeprecationWarning")  # of the library
def test_mysql_replication_reads_the_same_values(
    source: MySQLServer, schema: str, budget: int, examined: Examined
) -> None:
    kinds = [kind for kind in KINDS if kind.is_of(source)]
    rows = drawn(st.tuples(*map(readable, kinds)), RANDOM_ROWS, budget)
    nulls = tuple(None for _ in kinds)
    at = position(source)

    found = applied(
        operations(source, schema, lambda: fill(source, f"{schema}.t", kinds, [*rows, nulls]))
    )

    theirs = inserted(source, schema, at)
    assert {one["_id"] for one in found.values()} == set(theirs)
    for one in found.values():
        for index, kind in enumerate(kinds):
            ours, other = alike(one[f"c{index}"]), theirs[one["_id"]][f"c{index}"]
            ours = Decimal(ours) if kind.sql.startswith("DECIMAL") and ours is not None else ours
            ours = int(ours) if kind.sql.startswith("BIT(") and ours is not None else ours
            assert ours == expected(kind, other), kind
    examined(source.flavour, "rows compared with mysql-replication", len(theirs))
