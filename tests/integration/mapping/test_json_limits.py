"""JSON at its limits: depth, size, counts and keys that MongoDB or binary JSON treat apart."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing

import bson
import pytest

from cdc.errors import RecordError
from cdc.mapping.compile.compiler import compile_plan
from cdc.mapping.file.mapping import Mapping
from cdc.model.dead_letter import FailedRow
from cdc.model.operation import Operation
from cdc_sandbox.servers import MySQLServer
from tests.integration.chunks.support.reading import chunk_reader, chunks, executed
from tests.integration.mapping.support.binlog import operations, rows_events
from tests.integration.mapping.support.kinds import native

FIELDS = {"j": {"column": "j", "type": "json"}}
WIDE = "ü" * 1_000_000
ODD_KEYS = ("$set", "$", "$ref", "a.b", ".", "", "_id", "漢🐬", " ", "k" * 65_535, '"', "\\", "\n")


def nested(depth: int, *, named: bool) -> str:
    opening, closing = ('{"a": ', "}") if named else ("[", "]")
    return opening * depth + "1" + closing * depth


LIMITS = {
    "arrays in arrays": nested(100, named=False),
    "objects in objects": nested(100, named=True),
    "odd keys": json.dumps({key: {key: [{key: 1}]} for key in ODD_KEYS}),
    "odd keys first": json.dumps([{"$where": 1, "$": {"$ref": 1, "$id": 2}}, {"_id": {"_id": 1}}]),
    "a key twice": '{"a": 1, "bb": 2, "a": [3]}',
    "small, and full of members": json.dumps({f"{at:04}": None for at in range(5000)}),
    "65,536 members": json.dumps({str(at): at % 3 == 0 for at in range(65_536)}),
    "70,000 members": json.dumps({f"key{at}": [at, {"x": at}] for at in range(70_000)}),
    "70,000 cells": json.dumps([at if at % 2 else {} for at in range(70_000)]),
    "64 kilobytes of members": json.dumps({f"{at:05}": "x" * 55 for at in range(1000)}),
    "14 megabytes": json.dumps({"text": "x" * 8_000_000, "list": [WIDE] * 3}, ensure_ascii=False),
    "long text": json.dumps(["x" * size for size in (127, 128, 16_383, 16_384, 2_097_152)]),
}


def create(server: MySQLServer, table: str) -> None:
    column = "JSON" if server.flavour == "mysql" else "LONGTEXT CHARACTER SET utf8mb4"
    server.execute(f"CREATE TABLE {table} (id INT PRIMARY KEY, n INT, j {column})")


def insert(server: MySQLServer, table: str, *texts: str) -> None:
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        for number, text in enumerate(texts):
            cursor.execute(f"INSERT INTO {table} VALUES (%s, 0, %s)", (number, text))
        connection.commit()


def selected(server: MySQLServer, table: str) -> dict[int, bytes]:
    found = server.execute(f"SELECT id, CAST(j AS CHAR) FROM {table}")
    return {number: bson.encode({"_id": number, "j": native(text)}) for number, text in found}


def last(operations: list[Operation]) -> dict[int, bytes]:
    """The documents, by id, after operations that delete none."""
    return {int.from_bytes(one.id[1:], "little"): one.document for one in operations}


def by_binlog(server: MySQLServer, schema: str, act: Callable[[], None]) -> dict[int, bytes]:
    return last(operations(server, schema, act, fields=FIELDS))


def by_select(server: MySQLServer, schema: str) -> dict[int, bytes]:
    rule = Mapping.model_validate({"source": f"{schema}.t", "target": "t", "fields": FIELDS})
    read = []
    with chunk_reader(server) as reader:
        for chunk in chunks(reader, reader.open(schema, "t"), executed(server)):
            read += compile_plan(rule, chunk.event.table).operations(chunk.event, 0)
    return last(read)


@pytest.mark.slow
def test_documents_at_the_limits_of_json_keep_their_values(
    source: MySQLServer, schema: str
) -> None:
    def act() -> None:
        create(source, f"{schema}.t")
        insert(source, f"{schema}.t", *LIMITS.values())

    streamed = by_binlog(source, schema, act)

    expected = selected(source, f"{schema}.t")
    copied = by_select(source, schema)
    assert len(expected) == len(LIMITS)
    for number, name in enumerate(LIMITS):
        assert streamed[number] == expected[number], name
        assert copied[number] == expected[number], name


PARTS = (
    ("JSON_SET(j, %s, CAST('[1, {}]' AS JSON))", "$" + "[0]" * 98),
    ("JSON_SET(j, %s, CAST('{\"b\": 5}' AS JSON))", "$" + ".a" * 99),
    ("JSON_SET(j, %s, 'more', %s, 'most')", '$."$set"."$set"', '$.""'),
    ("JSON_REMOVE(JSON_SET(j, %s, 7), %s)", '$[0]."$"', "$[1]._id"),
    ("JSON_SET(j, %s, 5, %s, 6)", "$.a", "$.a"),
    ("JSON_SET(j, %s, 1, %s, REPEAT('x', 9000))", '$."0007"', '$."5000"'),
    ("JSON_REMOVE(JSON_REMOVE(j, %s), %s)", '$."1"', '$."65535"'),
    ("JSON_SET(JSON_REMOVE(j, %s), %s, NULL)", "$.key7", "$.key69999[1].x"),
    ("JSON_SET(j, %s, 'end', %s, 1.5)", "$[70000]", "$[0]"),
    ("JSON_SET(j, %s, REPEAT('y', 6000), %s, 1)", '$."00007"', '$."$new"'),
    ("JSON_SET(j, %s, 'short')", "$.list[1]"),
    ("JSON_REMOVE(j, %s, %s)", "$[4]", "$[last]"),
)
"""A change within each of `LIMITS`, in their order."""


@pytest.mark.slow
def test_changes_within_documents_at_the_limits_of_json(mysql: MySQLServer) -> None:
    schema = "json_limits"
    mysql.execute(f"DROP DATABASE IF EXISTS {schema}")
    mysql.execute(f"CREATE DATABASE {schema}")

    def act() -> None:
        create(mysql, f"{schema}.t")
        insert(mysql, f"{schema}.t", *LIMITS.values())
        with closing(mysql.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SET SESSION binlog_row_value_options = PARTIAL_JSON")
            for number, (change, *paths) in enumerate(PARTS):
                update = f"UPDATE {schema}.t SET j = {change}, n = 1 WHERE id = %s"
                assert cursor.execute(update, (*paths, number)) == 1, update
            connection.commit()

    streamed = by_binlog(mysql, schema, act)

    expected = selected(mysql, f"{schema}.t")
    for number, (change, *_) in enumerate(PARTS):
        assert streamed[number] == expected[number], change


NUL = '{"a\\u0000b": 1}'


def failures(
    server: MySQLServer, schema: str, act: Callable[[], None]
) -> tuple[list[int], list[FailedRow]]:
    """The ids of the rows that were mapped, and the rows that were not."""
    mapped: list[int] = []
    failed: list[FailedRow] = []
    for event in rows_events(server, schema, act):
        rule = Mapping.model_validate({"source": event.table.name, "target": "t", "fields": FIELDS})
        found = compile_plan(rule, event.table).operations(event, 0, failed.append)
        mapped += [bson.decode(one.document)["_id"] for one in found]
    return mapped, failed


@pytest.mark.parametrize("text", [NUL, f"[{NUL}, 1]", f'{{"x": {{"y": {NUL}}}}}'])
def test_a_key_that_holds_nul_is_an_error_of_its_row(
    source: MySQLServer, schema: str, text: str
) -> None:
    def act() -> None:
        create(source, f"{schema}.t")
        insert(source, f"{schema}.t", "[]", text, "{}")

    mapped, failed = failures(source, schema, act)

    assert mapped == [0, 2]
    (row,) = failed
    assert (row.error.table, row.error.column) == (f"{schema}.t", "j")
    assert "NUL" in str(row.error)
    assert bson.decode(row.document) == {"_id": 1}
    with pytest.raises(RecordError, match="NUL"):
        by_select(source, schema)


def test_a_key_that_holds_nul_and_comes_by_a_partial_update_is_an_error_of_its_row(
    mysql: MySQLServer,
) -> None:
    schema = "json_nul"
    mysql.execute(f"DROP DATABASE IF EXISTS {schema}")
    mysql.execute(f"CREATE DATABASE {schema}")

    def act() -> None:
        create(mysql, f"{schema}.t")
        insert(mysql, f"{schema}.t", *['{"a": [], "b": 0}'] * 3)
        with closing(mysql.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SET SESSION binlog_row_value_options = PARTIAL_JSON")
            for number, path in ((0, '$."x\\u0000"'), (1, '$."x"'), (2, "$.a[0]")):
                update = f"UPDATE {schema}.t SET j = JSON_SET(j, %s, CAST(%s AS JSON)), n = 1"
                cursor.execute(f"{update} WHERE id = %s", (path, NUL if number else "1", number))
            cursor.execute(f"UPDATE {schema}.t SET j = JSON_SET(j, '$.b', 2) WHERE id = 0")
            connection.commit()

    _, failed = failures(mysql, schema, act)

    assert [bson.decode(row.document)["_id"] for row in failed] == [0, 1, 2, 0]
    assert {row.error.column for row in failed} == {"j"}


@pytest.mark.parametrize("named", [False, True])
def test_text_that_nests_deeper_than_json_may_is_an_error_of_its_row(
    source: MySQLServer, schema: str, named: bool
) -> None:
    texts = [nested(depth, named=named) for depth in (100, 101, 200, 3000)]

    def act() -> None:
        source.execute(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, n INT, j LONGTEXT)")
        insert(source, f"{schema}.t", *texts)

    mapped, failed = failures(source, schema, act)

    assert mapped == [0]
    assert [bson.decode(row.document)["_id"] for row in failed] == [1, 2, 3]
    assert {row.error.reason for row in failed} == {"JSON nests deeper than 100 levels"}
