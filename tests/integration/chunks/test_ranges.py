from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import bson
import pytest

from cdc.errors import Unfit, UsageError
from cdc.model.position import Position
from cdc.readers.select.chunk_reader import Chunk, ChunkReader
from cdc.readers.select.keys import Key
from cdc.readers.select.select_table import SelectTable
from cdc_sandbox.servers import MySQLServer
from tests.integration.chunks.support.reading import chunk_reader, chunks, executed
from tests.support.features import IGNORED_INDEXES, INET4, UCA1400, UUIDS, has, needs

ODD_TEXT = ["", "a", "A ", "b", "ä", "ae", "z", "Z", "ß", "ss2", "%", "\\", "'", "é", "e1", "ÿ"]
MOMENTS = ["0000-00-00 00:00:00", "2024-00-10 01:02:03", "2023-02-31 00:00:00"]
MOMENTS += [f"2024-0{at}-0{at} 0{at}:00:00.{at}" for at in range(1, 5)]


NOT_EVERYWHERE = {"UUID": UUIDS, "INET4": INET4, "uca1400": UCA1400}
"""Words of types that some servers have."""


@dataclass(frozen=True)
class Kind:
    """Key columns, by name and type, and values for them."""

    columns: tuple[tuple[str, str], ...]
    rows: Sequence[Sequence[Any]]
    flavour: str = ""

    def __repr__(self) -> str:
        return "_".join(type_ for _, type_ in self.columns).replace(" ", "_")

    def is_of(self, server: MySQLServer) -> bool:
        """Whether this server, by its flavour and version, has the types."""
        lacked = [word for word, feature in NOT_EVERYWHERE.items() if not has(server, feature)]
        return self.flavour in ("", server.flavour) and not any(
            word in type_ for _, type_ in self.columns for word in lacked
        )


def single(type_: str, values: Sequence[Any], flavour: str = "") -> Kind:
    return Kind((("a", type_),), [[value] for value in values], flavour)


def spread(low: int, high: int) -> list[int]:
    return sorted({low, low + 1, *range(low, high, (high - low) // 6), high - 1, high, 0})


TEXTS = [
    single(f"VARCHAR(20) CHARACTER SET {charset} COLLATE {collation}", ODD_TEXT, flavour)
    for charset, collation, flavour in (
        ("utf8mb4", "utf8mb4_bin", ""),
        ("utf8mb4", "utf8mb4_general_ci", ""),
        ("utf8mb4", "utf8mb4_unicode_ci", ""),
        ("utf8mb4", "utf8mb4_0900_ai_ci", "mysql"),
        ("utf8mb4", "utf8mb4_0900_as_cs", "mysql"),
        ("utf8mb4", "utf8mb4_uca1400_ai_ci", "mariadb"),
        ("utf8mb4", "utf8mb4_general_nopad_ci", "mariadb"),
        ("latin1", "latin1_german2_ci", ""),
        ("latin1", "latin1_bin", ""),
        ("utf16", "utf16_general_ci", ""),
        ("utf16le", "utf16le_general_ci", ""),
        ("utf32", "utf32_unicode_ci", ""),
        ("ucs2", "ucs2_general_ci", ""),
    )
]
KINDS = [
    *[single(f"{name}INT", spread(-(1 << bits - 1), (1 << bits - 1) - 1)) for name, bits in
      (("TINY", 8), ("SMALL", 16), ("MEDIUM", 24), ("", 32), ("BIG", 64))],
    single("BIGINT UNSIGNED", spread(0, (1 << 64) - 1)),
    single("INT ZEROFILL", spread(0, 1 << 31)),
    single("DECIMAL(20,4)", [f"{at}.{at:04d}" for at in range(-9, 9) if at] + ["0", "-0.0001"]),
    single("DECIMAL(65,30)", ["9" * 35 + "." + "9" * 30, "-" + "9" * 35, "1e-30", "0", "-1e-30"]),
    single("YEAR", [0, 1901, 1999, 2000, 2001, 2155]),
    single("DATE", sorted({text[:10] for text in MOMENTS} | {"9999-12-31", "0001-01-01"})),
    single("DATETIME", [text[:19] for text in MOMENTS]),
    single("DATETIME(6)", [*MOMENTS, "9999-12-31 23:59:59.999999"]),
    single("TIMESTAMP(3) DEFAULT 0", [MOMENTS[0], *MOMENTS[3:], "1970-01-01 00:00:01"]),
    single("TIME(2)", ["-838:59:59", "-00:00:00.01", "0", "00:00:00.01", "838:59:59", "-1:0:0"]),
    single("BIT(20)", [0, 1, 255, 256, 65536, (1 << 20) - 1]),
    single("BIT(64)", [0, 1, 1 << 63, (1 << 64) - 1]),
    single("ENUM('z', 'a', 'Z2', 'm')", ["m", "a", "z", "Z2"]),
    single("SET('z', 'a', 'm')", ["", "z", "a", "z,a", "m", "z,m", "a,m", "z,a,m"]),
    *TEXTS,
    single("CHAR(20)", [text for text in ODD_TEXT if text != "A "]),
    single("VARBINARY(20)", [b"", b"\0", b"\0\0", b"a", b"A", b"a\0", b"\xff" * 20, b"'", b"\\"]),
    single("BINARY(4)", [b"", b"\1", b"a", b"A", b"a\1", b"\xff" * 4]),
    single("BINARY(16)", [random.Random(at).randbytes(16) for at in range(9)]),
    single("UUID", [f"{at:08x}-e89b-{at % 5 + 1}2d3-a456-42661417400{at % 10}" for at in range(9)],
           "mariadb"),
    single("INET4", ["0.0.0.0", "10.0.0.1", "10.0.0.2", "255.255.255.255"], "mariadb"),
    single("INET6", ["::", "::1", "2001:db8::", "ffff::"], "mariadb"),
    Kind((("a", "INT"), ("b", "VARCHAR(9)"), ("c", "BIGINT")),
         [[a, b, c] for a in (-1, 0, 7) for b in ("", "x", "y") for c in (-(1 << 63), 0, 5)]),
    Kind((("b", "VARCHAR(9)"), ("a", "ENUM('q', 'p')"), ("c", "DATE")),
         [[b, a, c] for b in "xyz" for a in "pq" for c in ("0000-00-00", "2024-01-01")]),
    Kind((("a", "ENUM('q', 'p', 'o')"), ("b", "INT")), [[a, b] for a in "opq" for b in range(4)]),
]  # fmt: skip


def create(server: MySQLServer, table: str, kind: Kind, key: str = "PRIMARY KEY") -> None:
    """Make a table of a running number and key columns, each key once in its collation."""
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'")
        columns = ", ".join(f"{name} {type_} NOT NULL" for name, type_ in kind.columns)
        names = ", ".join(name for name, _ in kind.columns)
        cursor.execute(f"CREATE TABLE {table} (n INT NOT NULL, {columns}, {key} ({names}))")
        places = ", ".join(["%s"] * (len(kind.columns) + 1))
        for number, row in enumerate(kind.rows):
            cursor.execute(f"INSERT IGNORE INTO {table} VALUES ({places})", (number, *row))


def number(chunk: Chunk) -> int:
    """The running number of a chunk's first row."""
    start = len(chunk.event.present)
    return int.from_bytes(chunk.event.images[start : start + 4], "little")


def one_by_one(reader: ChunkReader, table: SelectTable, applied: Position) -> list[tuple[Key, int]]:
    """Every row's key and number, read row by row: each row is a boundary."""
    found = chunks(reader, table, applied, limit=1)
    return [(chunk.last, number(chunk)) for chunk in found if chunk.last is not None]


@pytest.mark.slow
def test_every_row_is_read_once_in_the_order_of_its_key(source: MySQLServer, schema: str) -> None:
    kinds = [kind for kind in KINDS if kind.is_of(source)]
    with chunk_reader(source) as reader:
        for at, kind in enumerate(kinds):
            create(source, f"{schema}.t{at}", kind)
            order = ", ".join(name for name, _ in kind.columns)
            rows = source.execute(f"SELECT n FROM {schema}.t{at} ORDER BY {order}")
            table, applied = reader.open(schema, f"t{at}"), executed(source)

            found = one_by_one(reader, table, applied)

            assert [(n,) for _, n in found] == rows, kind
            check_keys(reader, table, applied, found)


def check_keys(
    reader: ChunkReader, table: SelectTable, applied: Position, expected: list[tuple[Key, int]]
) -> None:
    """Each key ends a range, is found by itself, and is stored and read back."""
    keys = [key for key, _ in expected]

    three = [chunk.last for chunk in chunks(reader, table, applied, limit=3) if chunk.rows]
    until = [
        sum(chunk.rows for chunk in chunks(reader, table, applied, until=key, limit=4))
        for key in keys[::4]
    ]
    one = [reader.lookup(table, [key], applied=applied) for key in keys]
    every = reader.lookup(table, keys, applied=applied)

    assert three == [*keys[2::3], *keys[len(keys) // 3 * 3 :][-1:]]
    assert until == list(range(1, len(keys) + 1, 4))
    assert [(chunk.rows, number(chunk)) for chunk in one] == [(1, n) for _, n in expected]
    assert every.rows == len(keys)
    assert [tuple(key) for key in bson.decode(bson.encode({"keys": keys}))["keys"]] == keys


def test_a_unique_key_over_the_columns_of_an_id_serves_instead_of_a_primary_key(
    source: MySQLServer, schema: str
) -> None:
    kind = Kind((("a", "INT"), ("b", "VARCHAR(9)")), [[a, b] for a in (2, 1) for b in "yx"])
    create(source, f"{schema}.t", kind, "UNIQUE KEY")
    with chunk_reader(source) as reader:
        table = reader.open(schema, "t", id_columns=["a", "b"])
        found = one_by_one(reader, table, executed(source))

    assert [n for _, n in found] == [3, 2, 1, 0]


@pytest.mark.parametrize(
    ("definition", "why"),
    [
        ("a INT", "no primary key"),
        ("a INT, UNIQUE (a)", "may be NULL"),
        ("a FLOAT PRIMARY KEY", "no exact order"),
        ("a DOUBLE PRIMARY KEY", "no exact order"),
        ("a TEXT, PRIMARY KEY (a(10))", "prefix"),
        ("a VARCHAR(90), PRIMARY KEY (a(10))", "prefix"),
    ],
)
def test_a_table_without_an_exact_key_is_refused_by_name(
    source: MySQLServer, schema: str, definition: str, why: str
) -> None:
    source.execute(f"CREATE TABLE {schema}.t ({definition})")
    with chunk_reader(source) as reader, pytest.raises(Unfit, match=why) as caught:
        reader.open(schema, "t")

    assert caught.value.table == f"{schema}.t"
    assert caught.value.remedy


@needs(IGNORED_INDEXES)
def test_an_index_that_no_select_may_use_is_no_key(source: MySQLServer, schema: str) -> None:
    unused = "INVISIBLE" if source.flavour == "mysql" else "IGNORED"
    source.execute(
        f"CREATE TABLE {schema}.t (a INT NOT NULL, b INT NOT NULL,"
        f" UNIQUE KEY used (b), UNIQUE KEY unused (a) {unused})"
    )
    source.execute(f"INSERT INTO {schema}.t VALUES (1, 2), (2, 1)")
    with chunk_reader(source) as reader:
        table = reader.open(schema, "t", ["a"])
        chunk = reader.read(table, after=None, until=None, limit=9, applied=executed(source))

    assert table.by.index == "used"
    assert table.found_by(["a"]) is None
    assert chunk.rows == 2


def test_columns_that_are_not_what_the_definition_says_are_refused_not_read_again_for_ever(
    source: MySQLServer, schema: str
) -> None:
    source.execute(f"CREATE TABLE {schema}.t (a INT PRIMARY KEY)")
    with chunk_reader(source) as reader:
        table = reader.open(schema, "t")
        [wire_column] = table.wire_columns
        other = replace(table, wire_columns=(replace(wire_column, size=8),))

        with pytest.raises(Unfit, match="other types"):
            reader.read(other, after=None, until=None, limit=9, applied=executed(source))

        assert reader.read(
            table, after=None, until=None, limit=9, applied=executed(source)
        ).finished


def test_a_table_that_is_not_there_is_refused(source: MySQLServer, schema: str) -> None:
    with chunk_reader(source) as reader, pytest.raises(Unfit, match="not there"):
        reader.open(schema, "nothing")


def test_an_empty_table_is_one_finished_chunk(source: MySQLServer, schema: str) -> None:
    source.execute(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
    with chunk_reader(source) as reader:
        table = reader.open(schema, "t")
        [chunk] = chunks(reader, table, executed(source))

        assert (chunk.rows, chunk.last, chunk.finished) == (0, None, True)
        assert chunk.event.images == b""


def test_rows_of_many_bytes_end_a_chunk_early(source: MySQLServer, schema: str) -> None:
    source.execute(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, body LONGTEXT)")
    for at in range(8):
        source.execute(f"INSERT INTO {schema}.t VALUES ({at}, REPEAT('x', 2500000))")
    with chunk_reader(source) as reader:
        table = reader.open(schema, "t")
        found = list(chunks(reader, table, executed(source), limit=1000))

    assert sum(chunk.rows for chunk in found) == 8
    assert max(len(chunk.event.images) for chunk in found) < 12_000_000


@pytest.mark.slow
def test_a_row_larger_than_a_packet_is_read_whole(source: MySQLServer, schema: str) -> None:
    source.execute("SET GLOBAL max_allowed_packet = 100000000")
    source.execute(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, body LONGTEXT, n INT)")
    sizes = (0xFFFFFF - 20, 0xFFFFFF - 9, 0xFFFFFF, 2 * 0xFFFFFF, 5)
    for at, size in enumerate(sizes):
        source.execute(f"INSERT INTO {schema}.t VALUES ({at}, REPEAT('x', {size}), 7)")
    with chunk_reader(source) as reader:
        table = reader.open(schema, "t")
        found = list(chunks(reader, table, executed(source), limit=1))

    bodies = [chunk.event.images[9:-4] for chunk in found if chunk.rows]
    assert [len(body) for body in bodies] == list(sizes)
    assert all(set(body) == {ord("x")} for body in bodies)
    assert all(chunk.event.images[-4:] == b"\7\0\0\0" for chunk in found if chunk.rows)


def test_a_condition_limits_what_is_returned_and_the_limit_what_is_looked_at(
    source: MySQLServer, schema: str
) -> None:
    source.execute(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
    values = ", ".join(f"({at})" for at in range(100))
    source.execute(f"INSERT INTO {schema}.t VALUES {values}")
    with chunk_reader(source) as reader:
        table = reader.open(schema, "t")
        found = list(chunks(reader, table, executed(source), limit=20, where="id IN (3, 5, 81)"))

    assert [chunk.rows for chunk in found] == [2, 0, 0, 0, 1, 0]
    assert [chunk.last for chunk in found[:5]] == [("19",), ("39",), ("59",), ("79",), ("99",)]


def test_a_key_that_is_no_value_of_its_column_is_a_mistake_in_usage(
    source: MySQLServer, schema: str
) -> None:
    source.execute(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
    with chunk_reader(source) as reader:
        table = reader.open(schema, "t")
        with pytest.raises(UsageError, match="no value of the key column id"):
            reader.read(table, after=("1 OR 1",), until=None, limit=1, applied=executed(source))


def test_rows_that_nobody_touches_are_read_once_while_others_come_and_go(
    source: MySQLServer, schema: str
) -> None:
    source.execute(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
    values = ", ".join(f"({at * 10})" for at in range(300))
    source.execute(f"INSERT INTO {schema}.t VALUES {values}")
    stopping = threading.Event()

    def disturb() -> None:
        chance = random.Random(1)
        with closing(source.connect()) as connection, connection.cursor() as cursor:
            while not stopping.is_set():
                id_ = chance.randrange(3_000)
                if id_ % 10:
                    cursor.execute(f"REPLACE INTO {schema}.t VALUES ({id_})")
                    cursor.execute(f"DELETE FROM {schema}.t WHERE id % 10 AND id < {id_}")

    disturber = threading.Thread(target=disturb)
    disturber.start()
    try:
        with chunk_reader(source) as reader:
            table = reader.open(schema, "t")
            keys = one_by_one(reader, table, executed(source))
    finally:
        stopping.set()
        disturber.join()

    found = [int(key[0]) for key, _ in keys]
    assert [id_ for id_ in found if id_ % 10 == 0] == [at * 10 for at in range(300)]
    assert found == sorted(set(found))
