from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from itertools import chain
from typing import Any

import pytest

from cdc.model.table_map import TableMap
from cdc.model.transaction import RowsEvent
from cdc.readers.binlog.reader import BinlogReader
from cdc.readers.binlog.start_position import resolve_start
from cdc.readers.server.connection import SourceConnection, connect_source
from cdc.readers.server.table_description import describe_table
from cdc_sandbox.servers import MySQLServer
from tests.support.features import INET4, INET6, INVISIBLE_COLUMNS, UUIDS, VECTORS, has
from tests.support.logins import login
from tests.support.runs import one_by_one

COMMON = """
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    tiny TINYINT, tiny_u TINYINT UNSIGNED ZEROFILL, flag BOOL, small SMALLINT, medium MEDIUMINT,
    medium_u MEDIUMINT UNSIGNED, normal INT NOT NULL, big BIGINT,
    one FLOAT, one_u FLOAT UNSIGNED, two DOUBLE, exact DECIMAL(30,7), exact_u DECIMAL(5,0) UNSIGNED,
    bits BIT(11), bit_one BIT, y YEAR, d DATE, t TIME, t3 TIME(3), dt DATETIME, dt6 DATETIME(6),
    ts TIMESTAMP NULL, ts2 TIMESTAMP(2) NULL,
    c CHAR(10), c_wide CHAR(200), v VARCHAR(60), v_wide VARCHAR(300),
    v_latin VARCHAR(20) CHARACTER SET latin1, v_utf16 VARCHAR(20) CHARACTER SET utf16,
    v_bin VARCHAR(20) COLLATE utf8mb4_bin, c_ascii CHAR(3) CHARACTER SET ascii,
    b BINARY(16), vb VARBINARY(300), c_binary CHAR(5) CHARACTER SET binary,
    tt TINYTEXT, tx TEXT, mt MEDIUMTEXT, lt LONGTEXT, tb TINYBLOB, bb BLOB, mb MEDIUMBLOB,
    lb LONGBLOB, short_text TEXT(100),
    e ENUM('a', 'it''s', 'c,d', 'é', 'back\\\\slash'), s SET('x', 'y y', 'ö'),
    e_latin ENUM('é', 'b') CHARACTER SET latin1,
    s_nine SET('1','2','3','4','5','6','7','8','9'),
    j JSON, g GEOMETRY, p POINT, pl POLYGON, gc GEOMETRYCOLLECTION, mp MULTIPOINT,
    made INT AS (tiny + 1) STORED, virt INT AS (tiny + 1) VIRTUAL
"""
NOT_EVERYWHERE = {
    "hidden INT INVISIBLE": INVISIBLE_COLUMNS,
    "u UUID": UUIDS,
    "four INET4": INET4,
    "six INET6": INET6,
    "vec VECTOR(3)": VECTORS,
}


@contextmanager
def binlog_from_now(source: MySQLServer, schema: str) -> Iterator[Callable[[], TableMap]]:
    """What gives the table map of the next change in `schema`."""
    position = resolve_start(login(source), "now")
    reader = BinlogReader(
        login(source), follows=lambda name, _: name == schema, transaction_bytes=1 << 20
    )

    def next_table_map() -> TableMap:
        changes = chain.from_iterable(
            each.changes for each in one_by_one(reader.transactions(position))
        )
        return next(change.table for change in changes if isinstance(change, RowsEvent))

    yield next_table_map
    reader.stop()


def described(source: MySQLServer, schema: str, table: str) -> TableMap | None:
    with closing(connect_source(login(source), read_timeout=5)) as connection:
        return describe_table(connection, schema, table)


def test_an_idle_table_is_described_as_its_next_table_map_will(
    source: MySQLServer, schema: str
) -> None:
    own = [column for column, feature in NOT_EVERYWHERE.items() if has(source, feature)]
    source.execute(f"CREATE TABLE {schema}.every ({', '.join([COMMON, *own])})")

    with binlog_from_now(source, schema) as next_table_map:
        source.execute(f"INSERT INTO {schema}.every (id, normal) VALUES (1, 1)")
        expected = next_table_map()

    found = described(source, schema, "every")
    assert found is not None
    by_name = {column.name: column for column in found.columns}
    for column in expected.columns:
        assert by_name[column.name] == column
    assert asdict(replace(found, unique_keys=None)) == asdict(expected)


@pytest.mark.parametrize(
    "definition",
    [
        "b INT, a INT, PRIMARY KEY (a, b)",
        "a VARCHAR(30), b TEXT, PRIMARY KEY (b(7), a)",
        "a INT, b INT NOT NULL UNIQUE",
        "a INT NOT NULL, b INT UNIQUE, UNIQUE (a, b), KEY (b)",
        "b VARCHAR(9) NOT NULL, a INT NOT NULL, UNIQUE (b(3)), UNIQUE two (b, a), UNIQUE (a)",
        "a VARCHAR(10) CHARACTER SET latin1 PRIMARY KEY",
    ],
)
def test_keys_are_described_as_the_table_map_does(
    source: MySQLServer, schema: str, definition: str
) -> None:
    source.execute(f"CREATE TABLE {schema}.`odd``name` ({definition})")

    with binlog_from_now(source, schema) as next_table_map:
        value = "VALUES (1, 1)" if "b " in definition else "VALUES (1)"
        source.execute(f"INSERT INTO {schema}.`odd``name` {value}")
        expected = next_table_map()

    found = described(source, schema, "odd`name")
    assert found is not None
    assert asdict(replace(found, unique_keys=None)) == asdict(expected)


def test_every_key_that_tells_all_rows_apart_is_described(source: MySQLServer, schema: str) -> None:
    source.execute(
        f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, a INT NOT NULL, b INT NOT NULL, c INT,"
        " d VARCHAR(9) NOT NULL, UNIQUE two (b, a), UNIQUE (c), UNIQUE (d(3)), UNIQUE (d), KEY (a))"
    )

    found = described(source, schema, "t")

    assert found is not None
    assert found.unique_keys is not None
    assert set(found.unique_keys) == {("id",), ("b", "a"), ("d",)}


def test_a_table_that_is_not_there_is_none(source: MySQLServer, schema: str) -> None:
    assert described(source, schema, "nothing") is None


def test_collations_are_queried_once_for_any_number_of_tables(
    source: MySQLServer, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two", "three"):
        source.execute(f"CREATE TABLE {schema}.{name} (id INT PRIMARY KEY, word VARCHAR(9))")
    asked: list[str] = []
    query = SourceConnection.query

    def noted(self: SourceConnection, sql: Any, unbuffered: bool = False) -> int:
        asked.append(str(sql))
        return query(self, sql, unbuffered)

    monkeypatch.setattr(SourceConnection, "query", noted)
    with closing(connect_source(login(source), read_timeout=5)) as connection:
        found = [describe_table(connection, schema, name) for name in ("one", "two", "three")]

    assert all(each is not None and each.columns[1].collation for each in found)
    assert sum("FROM information_schema.collations" in each for each in asked) == 1
