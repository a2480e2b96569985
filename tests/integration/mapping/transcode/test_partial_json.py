"""Updates that log changes within JSON values become whole documents, as SELECT shows them."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from hypothesis import strategies as st

from cdc.errors import RefusedEvent
from cdc_sandbox.servers import MySQLServer
from tests.integration.mapping.support.binlog import applied, operations
from tests.integration.mapping.support.examined import Examined
from tests.integration.mapping.support.kinds import TREES, native
from tests.integration.mapping.support.typed import typed
from tests.support.campaigns import drawn
from tests.support.dialect import log_status

COLUMNS = ("j", "k", "l")
NAMES = (
    "a",
    "b",
    "key1",
    "x y",
    "ü",
    "漢🐬",
    "",
    "a.b",
    "$",
    '"q"',
    "b\\s",
    "last",
    "1",
    "\n",
    "a-b",
)
QUOTED = [f".{json.dumps(name, ensure_ascii=False)}" for name in NAMES]
CELLS = ["[0]", "[1]", "[2]", "[7]", "[last]", "[last-1]", "[last-9]"]
LEGS = st.sampled_from([*QUOTED, *CELLS, ".a", ".b", ".key1", ".ü"])
PATHS = LEGS.map("${}".format)
INNER = st.recursive(
    st.integers(-70_000, 70_000) | st.booleans() | st.none() | st.text("abü", max_size=200),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6)
    ),
    max_leaves=20,
)
CONTAINERS = st.dictionaries(st.sampled_from(NAMES), INNER, max_size=8) | st.lists(
    INNER, max_size=8
)
DOCUMENTS = st.none() | INNER | CONTAINERS | CONTAINERS | CONTAINERS


def paths(value: Any) -> list[str]:
    """The paths of all that a document holds."""
    if not isinstance(value, dict | list):
        return [""]
    named = value.items() if isinstance(value, dict) else enumerate(value)
    legs = [
        (f".{json.dumps(name, ensure_ascii=False)}" if isinstance(name, str) else f"[{name}]", item)
        for name, item in named
    ]
    return ["", *(leg + rest for leg, item in legs for rest in paths(item))]


Row = tuple[Any, ...]


@st.composite
def changes(draw: st.DrawFn, row: Row) -> tuple[str, list[str]]:
    """A SET clause that changes some of a row's columns in place, and its parameters."""
    clauses, parameters = [], []
    for at in draw(st.lists(st.sampled_from(range(3)), min_size=1, max_size=3, unique=True)):
        expression = COLUMNS[at]
        inside = st.sampled_from(paths(row[at]))
        path = st.builds("${}{}".format, inside, LEGS) | inside.filter(bool).map("${}".format)
        for _ in range(draw(st.integers(1, 3))):
            function = draw(st.sampled_from(["JSON_SET", "JSON_REPLACE", "JSON_REMOVE"]))
            count = draw(st.integers(1, 3))
            arguments = "%s" if function == "JSON_REMOVE" else "%s, CAST(%s AS JSON)"
            expression = f"{function}({expression}, {', '.join([arguments] * count)})"
            for _ in range(count):
                parameters.append(draw(path if len(paths(row[at])) > 1 else PATHS))
                if function != "JSON_REMOVE":
                    parameters.append(json.dumps(draw(INNER | TREES)))
        clauses.append(f"{COLUMNS[at]} = {expression}")
    return ", ".join(clauses), parameters


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Row], Statements]:
    """Rows, and statements that change the first of them most."""
    rows = draw(st.lists(st.tuples(DOCUMENTS, DOCUMENTS, DOCUMENTS), min_size=1, max_size=2))
    return rows, draw(st.lists(changes(rows[0]), min_size=1, max_size=4))


Statements = list[tuple[str, list[str]]]


def run(server: MySQLServer, table: str, rows: list[Row], statements: Statements) -> None:
    """Insert rows of three JSON columns, then change all of them by each statement."""
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {table}"
            " (id INT AUTO_INCREMENT PRIMARY KEY, j JSON, n INT, k JSON, t TEXT, l JSON)"
        )
        cursor.execute(f"SELECT COALESCE(MAX(id), 0) FROM {table}")
        ((last,),) = cursor.fetchall()
        for row in rows:
            documents = [None if one is None else json.dumps(one) for one in row]
            cursor.execute(f"INSERT INTO {table} (j, k, l) VALUES (%s, %s, %s)", documents)
        cursor.execute("SET SESSION binlog_row_value_options = PARTIAL_JSON")
        for at, (clause, parameters) in enumerate(statements):
            update = f"UPDATE {table} SET {clause}, n = %s WHERE id > %s"
            cursor.execute(update, (*parameters, at, last))
        connection.commit()


def expected(server: MySQLServer, table: str) -> dict[int, Any]:
    return {
        row[0]: {
            name: typed(None if one is None else native(one))
            for name, one in zip("jkl", row[1:], strict=True)
        }
        for row in server.execute(
            f"SELECT id, CAST(j AS CHAR), CAST(k AS CHAR), CAST(l AS CHAR) FROM {table}"
        )
    }


def partial_events(server: MySQLServer) -> int:
    ((log, *_),) = server.execute(log_status(server))
    return sum(
        row[2] == "Update_rows_partial" for row in server.execute(f"SHOW BINLOG EVENTS IN '{log}'")
    )


@pytest.fixture
def source(mysql: MySQLServer) -> MySQLServer:
    """MariaDB has no partial updates."""
    return mysql


def assert_as_selected(server: MySQLServer, schema: str, act: Callable[[], None]) -> None:
    found = applied(operations(server, schema, act))

    by_id = {one["_id"]: {name: typed(one[name]) for name in COLUMNS} for one in found.values()}
    assert by_id == expected(server, f"{schema}.t")


@pytest.mark.slow
def test_random_changes_within_json_end_as_select_shows_them(
    source: MySQLServer, schema: str, budget: int, examined: Examined
) -> None:
    found = drawn(histories(), 50, budget)
    source.execute("FLUSH BINARY LOGS")

    def act() -> None:
        for rows, statements in found:
            run(source, f"{schema}.t", rows, statements)

    assert_as_selected(source, schema, act)
    assert partial_events(source) > len(found)
    examined("mysql", "partial updates of JSON", partial_events(source))


@pytest.mark.slow
def test_a_large_value_grows_and_shrinks_by_its_parts(source: MySQLServer, schema: str) -> None:
    large = {f"key{at}": ["x" * 90, at, at * 1e9, None] for at in range(600)}
    statements: Statements = [
        ("j = JSON_SET(j, '$.more', REPEAT('y', 40000), '$.key5[1]', 4000000000)", []),
        ("j = JSON_REMOVE(j, '$.key7', '$.key5[0]'), k = JSON_SET(k, '$.a', j->'$.key8')", []),
        ("l = JSON_SET(l, '$[70000]', 5, '$[0]', REPEAT('z', 70000))", []),
        ("l = JSON_REMOVE(l, '$[0]')", []),
    ]
    rows: list[Row] = [(large, {"a": 1}, list(range(70_000)))]

    assert_as_selected(source, schema, lambda: run(source, f"{schema}.t", rows, statements))


@pytest.mark.parametrize("image", ["MINIMAL", "NOBLOB"])
def test_changes_within_json_without_the_whole_row_are_refused(
    source: MySQLServer, schema: str, image: str
) -> None:
    def act() -> None:
        with closing(source.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, j JSON, t TEXT)")
            cursor.execute(f"INSERT INTO {schema}.t VALUES (1, '{{}}', 'x')")
            cursor.execute(f"SET SESSION binlog_row_image = {image}")
            cursor.execute("SET SESSION binlog_row_value_options = PARTIAL_JSON")
            cursor.execute(f"UPDATE {schema}.t SET j = JSON_SET(j, '$.a', 1)")
            connection.commit()

    with pytest.raises(RefusedEvent) as refused:
        operations(source, schema, act)

    assert refused.value.table == f"{schema}.t"
    assert refused.value.position is not None
    assert "binlog_row_image = FULL" in str(refused.value.remedy)
