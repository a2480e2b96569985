from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import bson
import pytest
from hypothesis import given

from cdc.errors import Unfit
from cdc.mapping.compile.compiler import compile_plan
from cdc.mapping.file.mapping import Mapping
from cdc.model.operation import Operation, OperationKind
from cdc.model.transaction import RowsEvent
from cdc_sandbox.servers import MySQLServer
from tests.integration.chunks.support.reading import chunk_reader, chunks, executed
from tests.integration.mapping.support.binlog import rows_events
from tests.integration.mapping.support.kinds import KINDS, OPAQUE, Kind
from tests.integration.mapping.support.random_tables import fields, fill, shuffle, tables
from tests.support.campaigns import campaign, drawn
from tests.support.features import INVISIBLE_COLUMNS, VECTORS, has

RANDOM_VALUES = 12
KINDS_A_TABLE = 8

Documents = dict[bytes, bytes]


def by_binlog(
    server: MySQLServer, schema: str, act: Callable[[], None], kinds: Sequence[Kind]
) -> Documents:
    """The documents, by id, that the binlog makes of what `act` does."""
    found: Documents = {}
    for event in rows_events(server, schema, act):
        for operation in mapped(event, kinds):
            found.pop(operation.id, None)
            if operation.kind is not OperationKind.DELETE:
                found[operation.id] = operation.document
    return found


def by_select(
    server: MySQLServer, schema: str, kinds: Sequence[Kind], name: str = "t", limit: int = 7
) -> Documents:
    found: Documents = {}
    with chunk_reader(server) as reader:
        table = reader.open(schema, name)
        for chunk in chunks(reader, table, executed(server), limit=limit):
            operations = mapped(chunk.event, kinds)
            assert len(operations) == chunk.rows
            for operation in operations:
                assert operation.kind is OperationKind.INSERT
                assert operation.id not in found
                found[operation.id] = operation.document
    return found


def mapped(event: RowsEvent, kinds: Sequence[Kind]) -> list[Operation]:
    rule: dict[str, Any] = {"source": event.table.name, "target": "t"}
    if any(kind.type for kind in kinds):
        rule["fields"] = fields(kinds)
    return list(compile_plan(Mapping.model_validate(rule), event.table).operations(event, 0.0))


def values_of(kind: Kind, budget: int) -> list[Any]:
    """NULL, the limits of a kind and random values of it."""
    return [None, *kind.limits, *drawn(kind.values, RANDOM_VALUES, budget)]


def together(server: MySQLServer) -> Iterator[list[Kind]]:
    """Every kind that a server has, some in a table."""
    usable = [kind for kind in KINDS if kind.is_of(server)]
    for at in range(0, len(usable), KINDS_A_TABLE):
        yield usable[at : at + KINDS_A_TABLE]


@pytest.mark.slow
def test_every_type_reads_the_same_from_select_as_from_the_binlog(
    source: MySQLServer, schema: str, budget: int
) -> None:
    for number, kinds in enumerate(together(source)):
        name = f"t{number}"
        values = [values_of(kind, budget) for kind in kinds]
        rows = [
            [column[at % len(column)] for column in values] for at in range(max(map(len, values)))
        ]

        def act(name: str = name, kinds: list[Kind] = kinds, rows: Any = rows) -> None:
            fill(source, f"{schema}.{name}", kinds, rows)
            shuffle(source, f"{schema}.{name}", len(rows))

        expected = by_binlog(source, schema, act, kinds)

        assert by_select(source, schema, kinds, name) == expected, kinds


def test_random_tables_with_random_nulls_read_the_same(
    source: MySQLServer, schema: str, budget: int
) -> None:
    examples = 0

    @campaign(8, budget)
    @given(tables(source))
    def check(drawn: tuple[list[Kind], list[list[Any]]]) -> None:
        nonlocal examples
        examples += 1
        kinds, rows = drawn
        name = f"t{examples}"

        def act() -> None:
            fill(source, f"{schema}.{name}", kinds, rows)
            shuffle(source, f"{schema}.{name}", len(rows))

        expected = by_binlog(source, schema, act, kinds)

        assert by_select(source, schema, kinds, name, limit=5) == expected

    check()


LENGTHS = (0, 1, 249, 250, 251, 252, 253, 254, 255, 256, 65_535, 65_536, 70_000)
"""The server writes a length in one byte up to 250, in three up to 65,535, then in four."""


def test_values_of_every_length_read_the_same(source: MySQLServer, schema: str) -> None:
    sizes = {"TINYTEXT": 255, "VARCHAR(300)": 300, "TEXT": 65_535, "MEDIUMTEXT": 1 << 24}
    sizes |= {"LONGTEXT": 1 << 24, "VARBINARY(255)": 255, "BLOB": 65_535, "LONGBLOB": 1 << 24}
    columns = ", ".join(f"c{at} {kind}" for at, kind in enumerate(sizes))
    values = ", ".join(["%s"] * len(sizes))

    def act() -> None:
        source.execute(
            f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, {columns}) CHARACTER SET latin1"
        )
        for number, length in enumerate(LENGTHS):
            row = ["x" * min(length, most) for most in sizes.values()]
            source.execute(f"INSERT INTO {schema}.t VALUES ({number}, {values})", row)

    expected = by_binlog(source, schema, act, ())

    assert len(expected) == len(LENGTHS)
    assert by_select(source, schema, ()) == expected


@pytest.mark.parametrize(
    "value", [*OPAQUE, "CAST(5 AS DECIMAL)", "CAST('-98765432109876543210' AS DECIMAL(30))"]
)
def test_json_of_values_that_json_has_no_type_for_reads_the_same(
    mysql: MySQLServer, value: str
) -> None:
    schema = "opaque_chunks"
    mysql.execute(f"CREATE DATABASE IF NOT EXISTS {schema}")
    mysql.execute(f"DROP TABLE IF EXISTS {schema}.t")

    def act() -> None:
        mysql.execute(f"CREATE TABLE {schema}.t (id BIGINT PRIMARY KEY, j JSON)")
        values = (f"JSON_OBJECT('k', {value})", f"JSON_ARRAY({value})", f"CAST({value} AS JSON)")
        rows = ", ".join(f"({at}, {each})" for at, each in enumerate(values))
        mysql.execute(f"INSERT INTO {schema}.t VALUES {rows}")

    expected = by_binlog(mysql, schema, act, [])

    assert by_select(mysql, schema, []) == expected


def test_dates_do_not_shift_with_the_zones_of_servers_and_sessions(
    source: MySQLServer, schema: str
) -> None:
    """The hour that daylight saving time repeats, and the one that it leaves out, among them."""
    moments = ("2024-10-27 00:30:00", "2024-10-27 01:30:00", "2024-03-31 02:30:00")
    [(before,)] = source.execute("SELECT @@GLOBAL.time_zone")

    def act() -> None:
        source.execute(
            f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, d DATETIME(6), ts TIMESTAMP(6) NULL)"
        )
        for zone, number in (("-07:00", 0), ("+05:30", 10), ("+00:00", 20)):
            source.execute(f"SET GLOBAL time_zone = '{zone}'")
            for at, moment in enumerate(moments):
                source.execute(
                    f"INSERT INTO {schema}.t VALUES ({number + at}, '{moment}', '{moment}')"
                )

    try:
        expected = by_binlog(source, schema, act, [])
        for zone in ("-07:00", "+05:30"):
            source.execute(f"SET GLOBAL time_zone = '{zone}'")

            assert by_select(source, schema, []) == expected
    finally:
        source.execute(f"SET GLOBAL time_zone = '{before}'")


@pytest.mark.parametrize("type_", ["ENUM", "SET"])
def test_a_key_whose_members_information_schema_does_not_show_is_refused(
    source: MySQLServer, schema: str, type_: str
) -> None:
    column = f"{type_}('a', '🐬') CHARACTER SET utf8mb4"
    source.execute(f"CREATE TABLE {schema}.t (id INT, e {column}, PRIMARY KEY (id, e))")

    with chunk_reader(source) as reader, pytest.raises(Unfit, match="members of the key's column"):
        reader.open(schema, "t")


def test_generated_and_invisible_columns_read_the_same(source: MySQLServer, schema: str) -> None:
    columns = "id INT PRIMARY KEY, a INT"
    if has(source, INVISIBLE_COLUMNS):
        columns += ", hidden INT DEFAULT 7 INVISIBLE"
    if source.flavour == "mysql":  # MariaDB's updates leave generated columns out: refused
        columns += ", made INT AS (a + 1) STORED, virt VARCHAR(20) AS (CONCAT('v', a)) VIRTUAL"

    def act() -> None:
        source.execute(f"CREATE TABLE {schema}.t ({columns})")
        source.execute(f"INSERT INTO {schema}.t (id, a) VALUES (1, 1), (2, NULL)")
        source.execute(f"UPDATE {schema}.t SET a = 5 WHERE id = 1")

    expected = by_binlog(source, schema, act, [])

    assert by_select(source, schema, []) == expected


@pytest.mark.parametrize("charset", ["utf8mb4", "latin1", "utf16"])
def test_text_behind_a_geometry_or_a_vector_keeps_its_charset(
    source: MySQLServer, schema: str, charset: str
) -> None:
    """Table maps list the charsets of some columns that have none, or tell what most have."""
    columns = "id INT PRIMARY KEY, a VARCHAR(9), g GEOMETRY, b VARCHAR(9) CHARACTER SET latin1"
    point = pair = "ST_GeomFromText('POINT(1 2)')"
    type_ = "POINT"
    if has(source, VECTORS):
        maker = "STRING_TO_VECTOR" if source.flavour == "mysql" else "Vec_FromText"
        pair, type_ = f"{maker}('[1,2]')", "VECTOR(2)"
    columns += f", v {type_}, c TEXT, d POINT, e CHAR(9) CHARACTER SET {charset}, w {type_}"
    columns += f", f BLOB, h TEXT CHARACTER SET {charset}"

    def act() -> None:
        source.execute(f"CREATE TABLE {schema}.t ({columns})")
        source.execute(
            f"INSERT INTO {schema}.t VALUES"
            f" (1, 'ä', {point}, 'ä', {pair}, 'ä', {point}, 'ä', {pair}, 'a', 'ä')"
        )

    expected = by_binlog(source, schema, act, [])

    (document,) = map(bson.decode, expected.values())
    assert [document[name] for name in "abceh"] == ["ä"] * 5
    assert by_select(source, schema, []) == expected
