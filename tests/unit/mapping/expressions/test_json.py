"""JSON in expressions: paths, values of both servers, and what is refused."""

import json
from decimal import Decimal

import pytest

from cdc.mapping.expressions import (
    Expression,
    ExpressionError,
    bson_value,
    compile_expression,
    decoder,
    parse,
)
from cdc.mapping.expressions.json_paths import parse_path
from cdc.mapping.expressions.runtime.json_texts import NotJson
from cdc.mapping.types import json_text
from cdc.model.table_map import Column, FieldType

MYSQL = {"doc": Column("doc", FieldType.JSON, length_bytes=4, json_text=True)}
MARIADB = {"doc": Column("doc", FieldType.BLOB, length_bytes=4, collation=46)}
COLUMNS = {
    "n": Column("n", FieldType.LONG),
    "s": Column("s", FieldType.VARCHAR, length=80, collation=46),
    "at": Column("at", FieldType.DATETIME2),
}


def compiled(sql: str, *, mariadb: bool = False) -> Expression:
    columns = (MARIADB if mariadb else MYSQL) | COLUMNS
    return compile_expression(parse(sql), columns, mariadb=mariadb)


def evaluate(sql: str, text: str, *, mariadb: bool = False) -> object:
    expression = compiled(sql, mariadb=mariadb)
    column = (MARIADB if mariadb else MYSQL)["doc"]
    return expression.evaluate((decoder(column)(text.encode()),))


@pytest.mark.parametrize(
    ("path", "legs"),
    [
        ("$", ()),
        ("$.a", ("a",)),
        ('$."a b".c', ("a b", "c")),
        ("$[0][12]", (0, 12)),
        ("$.a[last]", ("a", -1)),
        ("$[last-2]", (-3,)),
    ],
)
def test_a_path(path: str, legs: tuple[str | int, ...]) -> None:
    assert parse_path(path) == legs


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("$.*", r"\.\*"),
        ("$[*]", r"\[\*\]"),
        ("$**.a", r"\*\*"),
        ("$[0 to 2]", "range"),
        ("a", "no JSON path"),
        ("$.", "no JSON path"),
        ("$[-1]", "no JSON path"),
        ("$.a-b", 'other name"'),
    ],
)
def test_a_path_outside_the_subset_is_named(path: str, named: str) -> None:
    with pytest.raises(ExpressionError, match=named):
        parse_path(path)


@pytest.mark.parametrize(
    ("sql", "text", "value"),
    [
        ("doc ->> '$.a'", '{"a": "x"}', "x"),
        ("doc ->> '$.a'", '{"a": null}', "null"),
        ("doc ->> '$.a'", "{}", None),
        ("doc -> '$.a' IS NULL", '{"a": null}', 0),
        ("doc -> '$.a' = 'x'", '{"a": "x"}', 1),
        ("doc -> '$.a' = 'null'", '{"a": null}', 0),
        ("doc -> '$.a' = 1", '{"a": true}', 0),
        ("doc -> '$.a' = TRUE", '{"a": true}', 1),
        ("doc -> '$.a' = 1.1", '{"a": 1.1}', 1),
        ("2 < doc -> '$.a'", '{"a": 3}', 1),
        ("CAST(doc -> '$.a' AS SIGNED)", '{"a": 2.5}', 2),
        ("doc ->> '$.a[0]'", '{"a": {"b": [1.0, "é\\n"]}}', '{"b": [1.0, "é\\n"]}'),
        ("JSON_UNQUOTE(JSON_EXTRACT(doc, '$.b[last]'))", '{"b": [1, 2e0]}', "2.0"),
    ],
)
def test_a_value_of_mysql(sql: str, text: str, value: object) -> None:
    assert evaluate(sql, text) == value


@pytest.mark.parametrize(
    ("sql", "text", "value"),
    [
        ("JSON_UNQUOTE(JSON_EXTRACT(doc, '$.a'))", '{"a":"x\\u00e9"}', "xé"),
        ("JSON_EXTRACT(doc, '$.a')", '{"a":{"b":1.50}}', '{"b": 1.50}'),
        ("JSON_EXTRACT(doc, '$.a')", '{"a":1', None),
        ("JSON_EXTRACT(doc, '$.a')", '{"a":1,"a":2}', "1"),
        ("JSON_EXTRACT(doc, '$.a') = 'x'", '{"a":"x"}', 1),
        ("JSON_EXTRACT(doc, '$.a') = 1", '{"a":true}', 1),
    ],
)
def test_a_value_of_mariadb(sql: str, text: str, value: object) -> None:
    assert evaluate(sql, text, mariadb=True) == value


def test_a_number_that_only_mariadb_takes_for_one_is_an_error_of_the_row() -> None:
    with pytest.raises(NotJson):
        evaluate("JSON_EXTRACT(doc, '$.a')", '{"a": 1.}', mariadb=True)


@pytest.mark.parametrize(
    "text", ['{"a": [1, {"b": null}, 1.5, "x"]}', "[]", "null", "18446744073709551615"]
)
@pytest.mark.parametrize("mariadb", [False, True])
def test_a_value_becomes_the_bson_of_a_json_column(text: str, mariadb: bool) -> None:
    expression = compiled("JSON_EXTRACT(doc, '$')", mariadb=mariadb)

    value = evaluate("JSON_EXTRACT(doc, '$')", text, mariadb=mariadb)

    assert bson_value(value, expression.kind) == json_text.encode(text.encode())


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("s -> '$.a'", "use a column of the type JSON"),
        ("doc -> '$.a' IN ('x', 'y')", "IN"),
        ("doc -> '$.a' BETWEEN 1 AND 2", "BETWEEN"),
        ("CASE doc -> '$.a' WHEN 'x' THEN 1 END", "CASE"),
        ("NULLIF(doc, 'x')", "NULLIF"),
        ("doc -> '$.a' + 1", "CAST"),
        ("doc -> '$.a' = (n = 1)", "JSON_UNQUOTE"),
        ("doc = at", "JSON_UNQUOTE"),
        ("doc = doc", "JSON_UNQUOTE"),
        ("IF(doc, 1, 2)", "truth value"),
        ("CAST(doc -> '$.a' AS UNSIGNED)", "outside"),
        ("JSON_EXTRACT(doc, s)", "constant path"),
        ("JSON_UNQUOTE(s)", "JSON_EXTRACT"),
    ],
)
def test_what_could_mean_something_else_is_refused(sql: str, named: str) -> None:
    with pytest.raises(ExpressionError, match=named):
        compiled(sql)


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("doc ->> '$.a'", "not known to MariaDB"),
        ("JSON_EXTRACT(doc, '$[last]')", "last"),
        (
            "COALESCE(JSON_EXTRACT(doc, '$.a'), JSON_EXTRACT(doc, '$.b')) = 'x'",
            "JSON_EXTRACT itself",
        ),
        ("CAST(JSON_EXTRACT(doc, '$.a') AS SIGNED)", "JSON_UNQUOTE"),
        ("'x' < JSON_EXTRACT(doc, '$.a')", "on the left"),
    ],
)
def test_what_mariadb_reads_otherwise_is_refused_there(sql: str, named: str) -> None:
    with pytest.raises(ExpressionError, match=named):
        compiled(sql, mariadb=True)


@pytest.mark.parametrize("sql", ["JSON_EXTRACT(doc, '$.a') -> '$.b'", "(doc) ->> '$.b'"])
def test_an_arrow_stands_behind_a_column(sql: str) -> None:
    with pytest.raises(ExpressionError, match="behind a column"):
        parse(sql)


def test_a_decimal_is_compared_with_what_a_double_prints() -> None:
    found = compiled("doc -> '$.a' = 0.3").evaluate((json.loads('{"a": 0.3}'),))

    assert found == 1
    assert Decimal("0.3") != 0.3
