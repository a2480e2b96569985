from __future__ import annotations

import struct
from collections.abc import Sequence
from contextlib import closing
from itertools import zip_longest
from typing import Any

import bson
import pytest
from hypothesis import given

from cdc_sandbox.servers import MySQLServer
from tests.integration.mapping.support.binlog import Document, applied, operations
from tests.integration.mapping.support.examined import Examined
from tests.integration.mapping.support.kinds import KINDS, OPAQUE, Kind, native
from tests.integration.mapping.support.random_tables import fields, fill, shuffle, tables
from tests.integration.mapping.support.typed import typed
from tests.support.campaigns import campaign, drawn

RANDOM_VALUES = 12
"""Random values of each kind, beside its limits and NULL."""
KINDS_A_TABLE = 7


def selected(server: MySQLServer, table: str, kinds: Sequence[Kind]) -> dict[int, Document]:
    """What the documents must be, by what SELECT prints."""
    asked = ", ".join(kind.select.format(f"c{at}") for at, kind in enumerate(kinds))
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SET time_zone = '+00:00'")
        cursor.execute(f"SELECT id, {asked} FROM {table}")
        return {
            row[0]: {"_id": bson.Int64(row[0])}
            | {
                f"c{at}": None if text is None else kind.expect(text)
                for at, (kind, text) in enumerate(zip(kinds, row[1:], strict=True))
            }
            for row in cursor.fetchall()
        }


def assert_equal(found: dict[bytes, Document], expected: dict[int, Document]) -> None:
    by_number = {document["_id"]: document for document in found.values()}
    assert set(by_number) == set(expected)
    assert set(found) == {b"\x12" + struct.pack("<q", number) for number in expected}
    for number, document in by_number.items():
        assert list(document) == list(expected[number])
        for name, value in document.items():
            assert typed(value) == typed(expected[number][name]), name


def values_of(kind: Kind, budget: int) -> list[Any]:
    """The limits of a kind, NULL, and random values of it."""
    return [*kind.limits, None, *drawn(kind.values, RANDOM_VALUES, budget)]


TOGETHER = [KINDS[at : at + KINDS_A_TABLE] for at in range(0, len(KINDS), KINDS_A_TABLE)]


@pytest.mark.parametrize("kinds", TOGETHER, ids=lambda kinds: f"{kinds[0]} to {kinds[-1]}")
def test_types_at_their_limits_and_at_random(
    source: MySQLServer, schema: str, kinds: list[Kind], budget: int, examined: Examined
) -> None:
    kinds = [kind for kind in kinds if kind.is_of(source)]
    if not kinds:
        pytest.skip(f"{source.flavour} {source.version} has none of them")
    columns = [values_of(kind, budget) for kind in kinds]
    rows = [list(row) for row in zip_longest(*columns)]

    def act() -> None:
        fill(source, f"{schema}.t", kinds, rows)
        shuffle(source, f"{schema}.t", len(rows))

    found = applied(operations(source, schema, act, fields=fields(kinds)))

    assert_equal(found, selected(source, f"{schema}.t", kinds))
    for kind, values in zip(kinds, columns, strict=True):
        examined(source.flavour, str(kind), len(values))


@pytest.mark.slow
def test_random_tables_with_random_nulls(
    source: MySQLServer, schema: str, budget: int, examined: Examined
) -> None:
    examples = 0

    @campaign(10, budget)
    @given(tables(source))
    def check(drawn: tuple[list[Kind], list[list[Any]]]) -> None:
        nonlocal examples
        examples += 1
        kinds, rows = drawn
        table = f"{schema}.t{examples}"

        def act() -> None:
            fill(source, table, kinds, rows)
            shuffle(source, table, len(rows))

        found = applied(operations(source, schema, act, fields=fields(kinds)))

        assert_equal(found, selected(source, table, kinds))

    check()
    examined(source.flavour, "random tables", examples)


@pytest.mark.parametrize("value", OPAQUE)
def test_json_holds_what_json_has_no_type_for(mysql: MySQLServer, value: str) -> None:
    schema = "opaque"
    mysql.execute(f"CREATE DATABASE IF NOT EXISTS {schema}")
    mysql.execute(f"DROP TABLE IF EXISTS {schema}.t")

    def act() -> None:
        mysql.execute(f"CREATE TABLE {schema}.t (id BIGINT PRIMARY KEY, j JSON)")
        rows = f"(1, JSON_OBJECT('k', {value})), (2, JSON_ARRAY({value}))"
        mysql.execute(f"INSERT INTO {schema}.t VALUES {rows}")

    found = applied(operations(mysql, schema, act))

    expected = {
        number: native(text)
        for number, text in mysql.execute(f"SELECT id, CAST(j AS CHAR) FROM {schema}.t")
    }
    assert {one["_id"]: typed(one["j"]) for one in found.values()} == {
        number: typed(value) for number, value in expected.items()
    }
