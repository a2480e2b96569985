"""Tables of chosen or random kinds of columns, and rows for them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from hypothesis import strategies as st

from cdc_sandbox.servers import MySQLServer
from tests.integration.mapping.support.kinds import KINDS, Kind


def fill(
    server: MySQLServer, table: str, kinds: Sequence[Kind], rows: Sequence[Sequence[Any]]
) -> None:
    columns = ", ".join(f"c{at} {kind.sql}" for at, kind in enumerate(kinds))
    places = ", ".join(kind.insert for kind in kinds)
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'")
        cursor.execute(f"CREATE TABLE {table} (id BIGINT PRIMARY KEY, {columns})")
        statement = f"INSERT INTO {table} VALUES (%s, {places})"
        cursor.execute("BEGIN")
        for number, row in enumerate(rows):
            cursor.execute(statement, (number, *row))
        cursor.execute("COMMIT")


def shuffle(server: MySQLServer, table: str, rows: int) -> None:
    """Delete some rows, move some, and give others the values of their neighbours."""
    server.execute(f"DELETE FROM {table} WHERE id % 7 = 3")
    server.execute(f"UPDATE {table} SET id = id + {rows} WHERE id % 7 = 5")


def fields(kinds: Sequence[Kind]) -> dict[str, Any]:
    return {
        f"c{at}": {"column": f"c{at}"} | ({"type": kind.type} if kind.type else {})
        for at, kind in enumerate(kinds)
    }


@st.composite
def tables(draw: st.DrawFn, server: MySQLServer) -> tuple[list[Kind], list[list[Any]]]:
    usable = [kind for kind in KINDS if kind.is_of(server) and len(kind.sql) < 300]
    kinds = draw(st.lists(st.sampled_from(usable), min_size=1, max_size=12))
    rows = st.tuples(*(kind.mixed for kind in kinds))
    return kinds, [list(row) for row in draw(st.lists(rows, min_size=1, max_size=12))]
