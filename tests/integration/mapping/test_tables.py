import re
from contextlib import closing
from typing import Any

import bson
import pytest

from cdc.errors import RefusedEvent
from cdc_sandbox.servers import MySQLServer
from tests.integration.mapping.support.binlog import applied, operations
from tests.support.features import INVISIBLE_COLUMNS, needs


@needs(INVISIBLE_COLUMNS)
def test_invisible_and_generated_columns_are_carried_over(source: MySQLServer, schema: str) -> None:
    def act() -> None:
        source.execute(
            f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, a INT INVISIBLE DEFAULT 5,"
            " b INT AS (id * 2) STORED, c INT AS (id * 3) VIRTUAL, d INT)"
        )
        source.execute(f"INSERT INTO {schema}.t (id, d) VALUES (1, 9)")

    found = applied(operations(source, schema, act))

    assert list(found.values()) == [{"_id": 1, "a": 5, "b": 2, "c": 3, "d": 9}]


def test_columns_behind_a_year_keep_their_signs(source: MySQLServer, schema: str) -> None:
    def act() -> None:
        source.execute(
            f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, y YEAR, a BIGINT UNSIGNED,"
            " b INT UNSIGNED, c TINYINT, d INT, e YEAR, f SMALLINT UNSIGNED)"
        )
        source.execute(
            f"INSERT INTO {schema}.t VALUES (1, 2000, 7, 4294967295, -1, -2, 2001, 65535)"
        )

    found = applied(operations(source, schema, act))

    assert list(found.values()) == [
        {"_id": 1, "y": 2000, "a": 7, "b": 4294967295, "c": -1, "d": -2, "e": 2001, "f": 65535}
    ]


GENERATED = (
    "(id INT PRIMARY KEY, a INT, v INT AS (a * 2) VIRTUAL, b VARCHAR(9), s INT AS (a + 1) STORED,"
    " c INT)"
)


@pytest.fixture
def mariadb_schema(mariadb: MySQLServer) -> str:
    mariadb.execute("CREATE OR REPLACE DATABASE test_tables")
    return "test_tables"


LOGS_NO_GENERATED_COLUMNS = (11, 8)
"""A version of MariaDB that leaves them out of updates and deletes; 10.11 does not."""


def version(server: MySQLServer) -> tuple[int, ...]:
    [(text,)] = server.execute("SELECT VERSION()")
    return tuple(map(int, re.findall(r"\d+", text)[:2]))


def change_rows_with_generated_columns(server: MySQLServer, table: str) -> None:
    server.execute(f"CREATE TABLE {table} {GENERATED}")
    server.execute(f"INSERT INTO {table} (id, a, b) VALUES (1, 1, 'x'), (2, 2, NULL), (3, 3, 'y')")
    server.execute(f"UPDATE {table} SET a = 5 WHERE id = 1")
    server.execute(f"UPDATE {table} SET b = NULL, c = 9 WHERE v = 10")
    server.execute(f"REPLACE INTO {table} (id, a, b) VALUES (2, 7, 'z')")
    server.execute(f"UPDATE {table} SET id = 4 WHERE s = 8")
    server.execute(f"DELETE FROM {table} WHERE v = 6")


def test_rows_with_generated_columns_that_no_field_takes_are_carried_over(
    source: MySQLServer, schema: str
) -> None:
    def act() -> None:
        change_rows_with_generated_columns(source, f"{schema}.t")

    found = applied(operations(source, schema, act, exclude=["v", "s"]))

    assert list(found.values()) == [
        {"_id": 1, "a": 5, "b": None, "c": 9},
        {"_id": 4, "a": 7, "b": "z", "c": None},
    ]


def test_expressions_compute_generated_columns(source: MySQLServer, schema: str) -> None:
    def act() -> None:
        change_rows_with_generated_columns(source, f"{schema}.t")

    fields = {"v": {"sql": "a * 2"}, "s": {"sql": "a + 1"}}
    found = applied(operations(source, schema, act, fields=fields, where="a + 1 < 8"))

    assert list(found.values()) == [{"_id": 1, "v": 10, "s": 6}]


@pytest.mark.parametrize(
    ("mapping", "statement"),
    [
        ({}, "UPDATE {} SET a = 5"),
        ({"exclude": ["s"]}, "UPDATE {} SET c = 5"),
        ({"exclude": ["v", "s"], "where": "v < 9"}, "DELETE FROM {}"),
        ({"fields": {"x": {"sql": "v + 1"}}}, "UPDATE {} SET c = 5"),
        ({"exclude": ["s"], "on_delete": {"set": {"gone": True}}}, "DELETE FROM {}"),
    ],
)
def test_generated_columns_that_mariadb_does_not_log_are_refused_where_they_are_needed(
    mariadb: MySQLServer, mariadb_schema: str, mapping: dict[str, Any], statement: str
) -> None:
    if version(mariadb) < LOGS_NO_GENERATED_COLUMNS:
        pytest.skip("this MariaDB logs generated columns")

    def act() -> None:
        mariadb.execute(f"CREATE TABLE {mariadb_schema}.t {GENERATED}")
        mariadb.execute(f"INSERT INTO {mariadb_schema}.t (id, a) VALUES (1, 1)")
        mariadb.execute(statement.format(f"{mariadb_schema}.t"))

    with pytest.raises(RefusedEvent, match="lack columns: `v`") as refused:
        operations(mariadb, mariadb_schema, act, **mapping)

    assert refused.value.table == f"{mariadb_schema}.t"
    assert "generated columns" in str(refused.value.remedy)


def test_columns_that_the_server_hides_are_in_no_document(
    mariadb: MySQLServer, mariadb_schema: str
) -> None:
    table = f"{mariadb_schema}.t"

    def act() -> None:
        mariadb.execute(f"CREATE TABLE {table} (id INT PRIMARY KEY, b BLOB, c INT, UNIQUE (b))")
        mariadb.execute(f"INSERT INTO {table} VALUES (1, 'x', 3), (2, 'y', 3)")
        mariadb.execute(f"UPDATE {table} SET b = 'z' WHERE id = 1")
        mariadb.execute(f"ALTER TABLE {table} ADD UNIQUE (b, c), ADD COLUMN d INT")
        mariadb.execute(f"INSERT INTO {table} VALUES (3, 'x', 3, 4)")
        mariadb.execute(f"DELETE FROM {table} WHERE id = 2")

    found = applied(operations(mariadb, mariadb_schema, act))

    assert list(found.values()) == [
        {"_id": 1, "b": b"z", "c": 3},
        {"_id": 3, "b": b"x", "c": 3, "d": 4},
    ]


@pytest.mark.parametrize("image", ["MINIMAL", "NOBLOB"])
def test_images_that_lack_what_no_field_takes_are_carried_over(
    source: MySQLServer, schema: str, image: str
) -> None:
    def act() -> None:
        with closing(source.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, a INT, b TEXT, c TEXT)")
            cursor.execute(f"SET SESSION binlog_row_image = {image}")
            cursor.execute(f"INSERT INTO {schema}.t (id, a) VALUES (1, 2), (2, NULL), (3, 4)")
            cursor.execute(f"UPDATE {schema}.t SET id = 9, a = 8, c = 'x' WHERE id = 3")
            cursor.execute(f"DELETE FROM {schema}.t WHERE id = 1")
            connection.commit()

    found = applied(operations(source, schema, act, fields={"a": "a"}))

    assert list(found.values()) == [{"_id": 2, "a": None}, {"_id": 9, "a": 8}]


@pytest.mark.parametrize("count", [1, 1000])
def test_a_table_may_have_from_one_to_a_thousand_columns(
    source: MySQLServer, schema: str, count: int
) -> None:
    def act() -> None:
        columns = "".join(f", c{at} SMALLINT" for at in range(1, count))
        source.execute(f"CREATE TABLE {schema}.t (c0 INT PRIMARY KEY{columns})")
        for number in range(3):
            values = "".join(f", {'NULL' if at % 3 == number else at}" for at in range(1, count))
            source.execute(f"INSERT INTO {schema}.t VALUES ({number}{values})")

    found = applied(operations(source, schema, act))

    expected: list[dict[str, int | None]] = [
        {"_id": number, **{f"c{at}": None if at % 3 == number else at for at in range(1, count)}}
        for number in range(3)
    ]
    assert list(found.values()) == expected


@pytest.mark.parametrize("image", ["MINIMAL", "NOBLOB"])
def test_images_without_all_the_columns_are_refused_by_name(
    source: MySQLServer, schema: str, image: str
) -> None:
    def act() -> None:
        with closing(source.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, a INT, b TEXT)")
            cursor.execute(f"SET SESSION binlog_row_image = {image}")
            cursor.execute(f"INSERT INTO {schema}.t VALUES (1, 2, 'x')")
            cursor.execute(f"UPDATE {schema}.t SET a = 3")

    with pytest.raises(RefusedEvent, match=rf"{schema}\.t"):
        operations(source, schema, act)


def test_a_column_added_between_two_events_is_in_the_second(
    source: MySQLServer, schema: str
) -> None:
    def act() -> None:
        source.execute(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, a INT)")
        source.execute(f"INSERT INTO {schema}.t VALUES (1, 2)")
        source.execute(f"ALTER TABLE {schema}.t DROP COLUMN a, ADD COLUMN b VARCHAR(5)")
        source.execute(f"INSERT INTO {schema}.t VALUES (2, 'x')")

    found = applied(operations(source, schema, act))

    assert list(found.values()) == [{"_id": 1, "a": 2}, {"_id": 2, "b": "x"}]


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("BIGINT UNSIGNED", "18446744073709551615", "18446744073709551615"),
        ("DECIMAL(20,4)", "12.5", "12.5000"),
        ("VARCHAR(20) CHARACTER SET latin1", "'ü€'", "ü€"),
        ("BINARY(3)", "X'4100'", b"A\0\0"),
        ("DATE", "'2024-02-29'", "2024-02-29 00:00:00"),
        ("TIME(3)", "'-12:00:00.5'", "-12:00:00.500"),
        ("YEAR", "2024", "2024"),
    ],
)
def test_a_key_of_many_types_finds_its_document_again(
    source: MySQLServer, schema: str, column: str, value: str, expected: object
) -> None:
    def act() -> None:
        source.execute(f"CREATE TABLE {schema}.t (k {column} PRIMARY KEY, a INT)")
        source.execute(f"INSERT INTO {schema}.t VALUES ({value}, 1)")
        source.execute(f"UPDATE {schema}.t SET a = 2")

    (document,) = applied(operations(source, schema, act)).values()

    assert document["a"] == 2
    found = document["_id"]
    assert (found if isinstance(found, bytes) else str(found)) == expected


def test_a_compound_key_is_a_document_in_the_keys_order(source: MySQLServer, schema: str) -> None:
    def act() -> None:
        source.execute(
            f"CREATE TABLE {schema}.t (a INT, b VARCHAR(9), c BIGINT, PRIMARY KEY (c, b))"
        )
        source.execute(f"INSERT INTO {schema}.t VALUES (1, 'x', 3), (2, 'y', 4)")
        source.execute(f"UPDATE {schema}.t SET b = 'z' WHERE a = 1")
        source.execute(f"DELETE FROM {schema}.t WHERE a = 2")

    (document,) = applied(operations(source, schema, act)).values()

    assert bson.encode(document) == bson.encode({"_id": {"c": bson.Int64(3), "b": "z"}, "a": 1})


def test_a_bit_of_every_size_keeps_its_number(source: MySQLServer, schema: str) -> None:
    sizes = range(2, 65)

    def act() -> None:
        columns = ", ".join(f"b{size} BIT({size})" for size in sizes)
        source.execute(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, {columns})")
        most = ", ".join(str((1 << size) - 1) for size in sizes)
        source.execute(f"INSERT INTO {schema}.t VALUES (1, {most}), (0{', 1' * len(sizes)})")

    most, least = sorted(
        applied(operations(source, schema, act)).values(), key=lambda one: -int(one["_id"])
    )

    assert {name: str(value) for name, value in most.items()} == {
        "_id": "1",
        **{f"b{size}": str((1 << size) - 1) for size in sizes},
    }
    assert least == {"_id": 0, **{f"b{size}": 1 for size in sizes}}
