"""What an operator limits a job to: a condition, a first key, a last one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from cdc.errors import CdcError, Retryable, UsageError
from cdc.readers.select.chunk_reader import ChunkReader
from cdc.readers.select.keys import Key, written
from cdc_sandbox.servers import MySQLServer
from tests.integration.chunks.support.reading import chunk_reader, chunks, executed
from tests.integration.mapping.support.binlog import config


@pytest.mark.parametrize("where", ["nothing = 1", "id IN (SELECT id FROM nowhere)", "id >"])
def test_a_condition_that_the_server_refuses_is_not_taken_for_a_changed_table(
    source: MySQLServer, schema: str, where: str
) -> None:
    source.execute(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
    with chunk_reader(source) as reader:
        table, applied = reader.open(schema, "t"), executed(source)

        with pytest.raises(CdcError) as caught:
            list(chunks(reader, table, applied, where=where))

    assert not isinstance(caught.value, Retryable), caught.value


class BusyReader(ChunkReader):
    """A reader whose table grows by a row behind the look at the end of each chunk."""

    def __init__(self, server: MySQLServer, statement: str) -> None:
        super().__init__(config(server))
        self._server = server
        self._statement = statement
        self._new = iter(range(1, 1_000, 2))

    def _bound(self, *arguments: Any) -> Key | None:
        bound = super()._bound(*arguments)
        self._server.execute(self._statement.format(next(self._new)))
        return bound


def test_a_chunk_with_a_condition_leaves_no_row_out_when_rows_come_meanwhile(
    source: MySQLServer, schema: str
) -> None:
    source.execute(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
    old = range(0, 100, 2)
    source.execute(f"INSERT INTO {schema}.t VALUES {', '.join(f'({n})' for n in old)}")
    reader = BusyReader(source, f"INSERT INTO {schema}.t VALUES ({{}})")
    try:
        found = list(chunks(reader, reader.open(schema, "t"), executed(source), limit=5, where="1"))
    finally:
        reader.close()

    images = b"".join(chunk.event.images for chunk in found)
    ids = {int.from_bytes(images[at + 1 : at + 5], "little") for at in range(0, len(images), 5)}
    assert ids.issuperset(old)


IDENTITY = UUID("12345678-1234-5678-1234-567812345678")
WRITTEN = [
    ("a INT", ("7",), "7"),
    ("a VARCHAR(9)", ("x", "y"), "'x,y'"),
    ("a ENUM('z', 'y')", ("y",), "'y'"),
    ("a SET('z', 'y')", ("y", "z"), "'z,y'"),
    ("a BINARY(16)", (f"0x{IDENTITY.hex}",), f"X'{IDENTITY.hex}'"),
    ("a VARBINARY(9)", ("ab",), "'ab'"),
    ("a DATE", ("2024-02-29",), "'2024-02-29'"),
    ("a DATETIME(3)", ("2024-02-29T01:02:03.5",), "'2024-02-29 01:02:03.5'"),
    ("a DATETIME", ("2024-02-29",), "'2024-02-29'"),
    ("a TIME", ("-100:00",), "'-100:00'"),
    ("a INT, b VARCHAR(9)", ("7", "x"), "7, 'x'"),
]


@pytest.mark.parametrize(("columns", "texts", "values"), WRITTEN)
def test_a_key_is_written_as_a_human_writes_it(
    source: MySQLServer, schema: str, columns: str, texts: tuple[str, ...], values: str
) -> None:
    names = ", ".join(column.split()[0] for column in columns.split(", ") if column[1] == " ")
    source.execute(f"CREATE TABLE {schema}.t ({columns}, PRIMARY KEY ({names}))")
    source.execute(f"INSERT INTO {schema}.t VALUES ({values})")
    with chunk_reader(source) as reader:
        table = reader.open(schema, "t")
        key = written(table.key, texts)

        chunk = reader.read(
            table, first=key, after=None, until=key, limit=9, applied=executed(source)
        )

    assert chunk.rows == 1


@pytest.mark.parametrize(
    ("columns", "texts", "why"),
    [
        ("a INT", ("1", "2"), "no value of the key column a"),
        ("a INT, b INT", ("1",), "has 2 columns"),
        ("a INT, b INT", ("1", "2", "3"), "has 2 columns"),
        ("a DATE", ("2024-13-01",), "no value"),
        ("a DATETIME", ("2024-01-01 25:00:00",), "no value"),
        ("a TIME", ("noon",), "no value"),
        ("a ENUM('z', 'y')", ("x",), "no value"),
    ],
)
def test_what_is_no_key_is_a_mistake_in_usage(
    mysql: MySQLServer, columns: str, texts: tuple[str, ...], why: str
) -> None:
    names = ", ".join(column.split()[0] for column in columns.split(", ") if column[1] == " ")
    mysql.execute("CREATE DATABASE IF NOT EXISTS written")
    mysql.execute("DROP TABLE IF EXISTS written.t")
    mysql.execute(f"CREATE TABLE written.t ({columns}, PRIMARY KEY ({names}))")
    with chunk_reader(mysql) as reader:
        table = reader.open("written", "t")

        with pytest.raises(UsageError, match=why):
            written(table.key, texts)


def test_a_look_up_of_large_rows_ends_early_and_goes_on(source: MySQLServer, schema: str) -> None:
    source.execute(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, body LONGTEXT)")
    for at in range(0, 60, 3):
        source.execute(
            f"INSERT INTO {schema}.t VALUES ({at}, REPEAT('x', 1000000)),"
            f" ({at + 1}, REPEAT('x', 1000000)), ({at + 2}, REPEAT('x', 1000000))"
        )
    keys: list[Key] = [(str(at),) for at in range(80)]
    found = []
    with chunk_reader(source) as reader:
        table = reader.open(schema, "t")
        while keys:
            chunk = reader.lookup(table, keys, applied=executed(source))
            found.append((chunk.rows, len(chunk.event.images), chunk.finished))
            keys = keys[chunk.keys :]

    assert sum(rows for rows, _, _ in found) == 60
    assert max(size for _, size, _ in found) < 40_000_000
    assert [finished for *_, finished in found] == [False] * (len(found) - 1) + [True]
