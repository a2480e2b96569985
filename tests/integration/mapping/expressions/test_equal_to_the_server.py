"""Compiled expressions give what the servers give, for random expressions and rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from decimal import Decimal
from itertools import product
from typing import Any

import pymysql
import pytest
from hypothesis import strategies as st

from cdc.mapping.expressions import (
    Expression,
    ExpressionError,
    compile_expression,
    decoder,
    kinds,
    parse,
)
from cdc.mapping.expressions.runtime import json_values, moments
from cdc.mapping.expressions.runtime.dates import UnreadDate
from cdc.mapping.expressions.runtime.numbers import OutOfRange
from cdc.mapping.types.registry import wire
from cdc.model.table_map import TableMap
from cdc.model.transaction import RowsEvent
from cdc_sandbox.servers import MySQLServer
from tests.integration.mapping.expressions.support.grammar import COLUMNS, expressions
from tests.integration.mapping.support.binlog import rows_events
from tests.support.campaigns import drawn
from tests.support.features import (
    CAST_TO_DOUBLE,
    MOMENTS_BETWEEN,
    TYPED_NULLIF,
    UCA1400,
    UCA1400_BY_DEFAULT,
    has,
)

ROWS = 24
EXPRESSIONS = 500
BATCH = 40
CI = {"mysql": "utf8mb4_0900_ai_ci", "mariadb": "utf8mb4_uca1400_ai_ci"}
OLD_CI = "utf8mb4_unicode_ci"
ANSWERED_OTHERWISE = {
    r"AS DOUBLE": CAST_TO_DOUBLE,
    r"BETWEEN ts AND '": MOMENTS_BETWEEN,
    r"COALESCE\(.*NULLIF\(dt": TYPED_NULLIF,
    r"(LOWER|UPPER)\(.*CAST\( '.*Ⱥ": UCA1400_BY_DEFAULT,
}
"""What versions that lack a feature refuse, or answer otherwise than the ones that cdc follows."""
OUT_OF_RANGE = (1264, 1690)
MIXED = (1267, 1270, 1271, 3854, 3988)
"""Texts that the server does not let meet: some of them are the same to cdc."""
REFUSED = "the server refuses a row"
"""It may evaluate what is out of range where cdc has found NULL, and the reverse."""
Row = dict[str, object]


def fill(server: MySQLServer, schema: str, rows: Sequence[Sequence[object]]) -> None:
    has_ci = server.flavour == "mysql" or has(server, UCA1400)
    ci = CI[server.flavour] if has_ci else OLD_CI
    definitions = ", ".join(f"{name} {sql.format(ci=ci)}" for name, (sql, _) in COLUMNS.items())
    places = ", ".join(["%s"] * len(COLUMNS))
    with closing(server.connect(schema)) as connection, connection.cursor() as cursor:
        cursor.execute("SET sql_mode = '', time_zone = '+00:00'")
        cursor.execute(f"CREATE TABLE t (id INT PRIMARY KEY, {definitions})")
        for number, row in enumerate(rows):
            cursor.execute(f"INSERT INTO t VALUES ({number}, {places})", row)


def decoded(event: RowsEvent) -> list[Row]:
    """The rows of an event as expressions take them."""
    found: list[Row] = []
    columns, images, at = event.table.columns, event.images, 0
    size = (len(columns) + 7) // 8
    while at < len(images):
        nulls = int.from_bytes(images[at : at + size], "little")
        at += size
        row: Row = {}
        for index, column in enumerate(columns):
            row[column.name] = None
            if not nulls >> index & 1:
                shape = wire(column)
                length = shape.size
                if shape.prefix:
                    length = int.from_bytes(images[at : at + shape.prefix], "little")
                    at += shape.prefix
                row[column.name] = decoder(column)(images[at : at + length])
                at += length
        found.append(row)
    return found


@pytest.fixture
def table(source: MySQLServer, schema: str, budget: int) -> tuple[TableMap, list[Row]]:
    row = st.tuples(
        *(
            values if "NOT NULL" in sql else st.none() | values | values
            for sql, values in COLUMNS.values()
        )
    )
    rows = drawn(row, ROWS, 1)
    events = [*rows_events(source, schema, lambda: fill(source, schema, rows))]
    return events[0].table, [row for event in events for row in decoded(event)]


def compiled(table: TableMap, sql: str) -> Expression:
    columns = {column.name: column for column in table.columns}
    return compile_expression(parse(sql), columns, mariadb=table.mariadb)


def answers(cursor: Any, some: Sequence[str]) -> list[list[Any]] | int:
    """What the server gives for each row, or the number of its error for one of them."""
    try:
        cursor.execute(f"SELECT {', '.join(f'({one})' for one in some)} FROM t ORDER BY id")
    except pymysql.MySQLError as error:
        if error.args[0] not in (*OUT_OF_RANGE, *MIXED):
            raise AssertionError(f"{error}: {some}") from error
        return int(error.args[0])
    return [list(row) for row in cursor.fetchall()]


def printed(expression: Expression, value: object) -> object:
    """A value as it must equal what the server prints."""
    match expression.kind:
        case _ if value is None:
            return None
        case kinds.DateTime():
            assert isinstance(value, int)
            return moments.datetime_text(value, 6).rstrip("0").rstrip(".")
        case kinds.Date():
            assert isinstance(value, int)
            return moments.date_text(value)
        case kinds.Json(written=False):
            return json_values.printed(value)
    return value


def read(expression: Expression, text: Any) -> object:
    match expression.kind:
        case _ if text is None:
            return None
        case kinds.Integer():
            return int(Decimal(text))
        case kinds.Decimal():
            return Decimal(text)
        case kinds.Double():
            return float(text)
        case kinds.DateTime():
            return (
                (f"{text}.").rstrip("0").rstrip(".")
                if "." not in text
                else text.rstrip("0").rstrip(".")
            )
    return text


def answered_alike(server: MySQLServer, sql: str) -> bool:
    return all(
        has(server, feature) or not re.search(pattern, sql)
        for pattern, feature in ANSWERED_OTHERWISE.items()
    )


@pytest.mark.slow
def test_random_expressions_over_random_rows(
    source: MySQLServer, schema: str, table: tuple[TableMap, list[Row]], budget: int
) -> None:
    table_map, rows = table
    refused: Counter[str] = Counter()
    checked: dict[str, Expression] = {}
    texts = [
        sql for sql in drawn(expressions(), EXPRESSIONS, budget) if answered_alike(source, sql)
    ]
    for sql in texts:
        try:
            checked[sql] = compiled(table_map, sql)
        except ExpressionError as error:
            refused[str(error)[:40]] += 1
    wrong: list[str] = []
    with closing(source.connect(schema, conv={})) as connection, connection.cursor() as cursor:
        cursor.execute("SET sql_mode = '', time_zone = '+00:00'")
        for some in batched([*checked], BATCH):
            wrong += differences(cursor, {sql: checked[sql] for sql in some}, rows)

    print(f"{source.flavour}: {len(checked)} of {len(texts)} expressions, {len(rows)} rows")
    print(refused.most_common(12))
    refusals = [one for one in wrong if one.endswith(REFUSED)]
    assert len(refusals) <= len(checked) // 100, "\n".join(refusals)
    wrong = [one for one in wrong if one not in refusals]
    assert not wrong, "\n".join(wrong)
    assert len(checked) > len(texts) // 3


NUMBERS = ("i", "u", "d", "e", "x", "e / 7", "i = 1", "5", "1.50", "1e0", "UNIX_TIMESTAMP(du)")
CHOICES = (
    "CONCAT(IF(t > 0, {}, {}))",
    "CAST(CASE t WHEN 1 THEN {} ELSE {} END AS CHAR)",
    "CONCAT(COALESCE({}, {}))",
    "LENGTH(NULLIF(IF(t > 0, {}, {}), i))",
    "CAST(IF(t > 0, {}, {}) AS DECIMAL(40,3))",
    "IF(t > 0, {}, {}) / 7",
)


def test_choices_of_numbers(
    source: MySQLServer, schema: str, table: tuple[TableMap, list[Row]]
) -> None:
    table_map, rows = table
    checked: dict[str, Expression] = {}
    for one, other, choice in product(NUMBERS, NUMBERS, CHOICES):
        sql = choice.format(one, other)
        with suppress(ExpressionError):
            checked[sql] = compiled(table_map, sql)

    wrong: list[str] = []
    with closing(source.connect(schema, conv={})) as connection, connection.cursor() as cursor:
        cursor.execute("SET sql_mode = '', time_zone = '+00:00'")
        for some in batched([*checked], BATCH):
            wrong += differences(cursor, {sql: checked[sql] for sql in some}, rows)

    assert not wrong, "\n".join(wrong)
    assert len(checked) > len(NUMBERS) ** 2 * (len(CHOICES) - 1)


def batched(texts: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for at in range(0, len(texts), size):
        yield texts[at : at + size]


def differences(cursor: Any, some: dict[str, Expression], rows: list[Row]) -> list[str]:
    found = answers(cursor, [*some])
    if isinstance(found, int) and len(some) > 1:
        return [one for sql, each in some.items() for one in differences(cursor, {sql: each}, rows)]
    if isinstance(found, int):
        ((sql, expression),) = some.items()
        return [] if found in MIXED or fails(expression, rows) else [f"{sql}: {REFUSED}"]
    # MySQL 9.7 writes over the first of CONCAT(CONCAT(latin1, TIMESTAMP '…'), 1.5): a NUL shows it.
    return [
        f"{sql} of {inputs(expression, row)}: {ours!r}, the server {told!r}"
        for at, (sql, expression) in enumerate(some.items())
        for row, answer in zip(rows, found, strict=True)
        if (told := read(expression, answer[at])) != (ours := outcome(expression, row))
        and ours != "out of range"
        and not (isinstance(answer[at], str) and "\0" in answer[at])
        and not is_printed_shorter(answer[at], ours)
    ]


def is_printed_shorter(text: Any, ours: object) -> bool:
    """MariaDB prints a double of ROUND, and what is computed with it, with so many digits."""
    if not isinstance(ours, float) or text is None or "e" in text:
        return False
    digits = len(text.partition(".")[2])
    return 0 < digits < 15 and f"{ours:.{digits}f}" == text


def inputs(expression: Expression, row: Row) -> tuple[object, ...]:
    return tuple(row[name] for name in expression.columns)


def outcome(expression: Expression, row: Row) -> object:
    try:
        return printed(expression, expression.evaluate(inputs(expression, row)))
    except (OutOfRange, UnreadDate):
        return "out of range"


def fails(expression: Expression, rows: list[Row]) -> bool:
    return any(outcome(expression, row) == "out of range" for row in rows)
