"""Mistakes in expressions have their place, and say what is allowed."""

import pytest

from cdc.mapping.expressions import (
    ExpressionError,
    compile_condition,
    compile_expression,
    parse,
)
from cdc.mapping.expressions.vocabulary import list_of_all
from cdc.model.table_map import Column, FieldType

COLUMNS = {
    column.name: column
    for column in (
        Column("n", FieldType.LONG),
        Column("s", FieldType.VARCHAR, length=80, collation=46),
        Column("d", FieldType.DATE),
        Column("f", FieldType.FLOAT),
    )
}


def mistake(sql: str) -> tuple[str, str | None]:
    """Return the rest of the text from the place on, and what is said."""
    with pytest.raises(ExpressionError) as caught:
        compile_expression(parse(sql), COLUMNS)
    error = caught.value
    return str(error), None if error.at is None else sql[error.at :]


@pytest.mark.parametrize(
    ("sql", "said", "place"),
    [
        ("n +", "unexpected end: an expression expected", ""),
        ("n +  ", "unexpected end: an expression expected", "  "),
        ("COALESCE(n, ", "unexpected end: an expression expected", " "),
        ("COALESCE(n", "unexpected end: `,` or `)` expected", ""),
        ("(n", "unexpected end: `)` expected", ""),
        ("n s", "unexpected s: an operator or the end expected", "s"),
        ("n IS 3", "unexpected 3: TRUE, FALSE, UNKNOWN or NULL expected", "3"),
        ("n IS", "unexpected end: TRUE, FALSE, UNKNOWN or NULL expected", ""),
        ("n NOT 3", "unexpected 3: IN, BETWEEN or LIKE expected", "3"),
        ("n BETWEEN 1, 2", "unexpected ,: AND expected", ", 2"),
        ("n IN 3", "unexpected 3: `(` expected", "3"),
        ("CASE n END", "unexpected END: WHEN expected", "END"),
        ("CASE WHEN n THEN 1", "unexpected end: WHEN or ELSE or END expected", ""),
        ("CASE WHEN n THEN 1 ELSE 2", "unexpected end: END expected", ""),
        ("CAST(n SIGNED)", "unexpected SIGNED: AS expected", "SIGNED)"),
        ("CAST(n AS)", "unexpected ): a type expected", ")"),
        ("CONVERT(s)", "unexpected ): USING or `,` expected", ")"),
        ("CONVERT(s USING)", "unexpected ): a charset expected", ")"),
        ("s COLLATE", "unexpected end: a collation expected", ""),
        ("TRIM(BOTH 'x' n)", "unexpected n: FROM expected", "n)"),
        ("FROM", "unexpected FROM: an expression expected", "FROM"),
        ("'日本😀' + (", "unexpected end: an expression expected", ""),
        ("n '" + "x" * 99 + "'", f"unexpected '{'x' * 39}…: an operator", "'" + "x" * 99 + "'"),
        ("n -> '$.a' 3", "unexpected 3", "3"),
        ("s = 'it''s", "not SQL: ' begins a text that has no end", "'it''s"),
        ("s = 'a' \"b", 'not SQL: " begins a text that has no end', '"b'),
        ("'a`' + `n", "not SQL: ` begins a name that has no end", "`n"),
        ("n /* a", "not SQL: /* begins a comment that has no end", "/* a"),
        ("n -- it's\n = 'x", "not SQL: ' begins a text that has no end", "'x"),
    ],
)
def test_what_is_expected_is_said_at_the_place(sql: str, said: str, place: str) -> None:
    what, rest = mistake(sql)

    assert what.startswith(said)
    assert rest == place


@pytest.mark.parametrize(
    ("sql", "said", "place"),
    [
        ("n + UPER(s)", f"did you mean UPPER? {list_of_all()}", "UPER(s)"),
        ("SUBSTRNG(s, 1)", "did you mean SUBSTRING or SUBSTR?", "SUBSTRNG(s, 1)"),
        ("XYZZY(s)", f"the function XYZZY is outside the subset; {list_of_all()}", "XYZZY(s)"),
        ("LEFT(s, 1)", "write SUBSTRING(…, 1, n)", "LEFT(s, 1)"),
        ("n ^ 2", f"^ is outside the subset; {list_of_all()}", "^ 2"),
        ("NOW()", "NOW has another value each time", "NOW()"),
        ("LOWER(s, n)", "LOWER takes 1 argument, not 2", "LOWER(s, n)"),
        ("n = SUBSTR(s)", "SUBSTRING takes 2 to 3 arguments, not 1", "SUBSTR(s)"),
        ("CONCAT()", "CONCAT takes at least 1 argument, not 0", "CONCAT()"),
        (
            "CAST(n AS TIME)",
            "write one of SIGNED, UNSIGNED, CHAR, BINARY, DECIMAL, DOUBLE, DATE, DATETIME",
            "TIME)",
        ),
        ("CAST(n AS DOUBLE(3))", "CAST AS DOUBLE takes no size", "(3))"),
        ("CAST(n AS DECIMAL(1, 2, 3))", "CAST AS DECIMAL takes at most 2 sizes", "(1, 2, 3))"),
        ("CAST(n AS CHAR('x'))", "a size is a whole number", "('x'))"),
        ("t.n", "write a column without its table", "t.n"),
    ],
)
def test_what_is_allowed_is_said(sql: str, said: str, place: str) -> None:
    what, rest = mistake(sql)

    assert said in what
    assert rest == place


@pytest.mark.parametrize(
    ("sql", "said", "place"),
    [
        ("n + s", "is used as a number", "s"),
        ("1 + (n * s)", "is used as a number", "s)"),
        ("CONCAT(s, n, LOWER(f))", "is used as a text", "f))"),
        ("n = 1 AND d", "is no truth value", "d"),
        ("n = 1 AND s = n", "is compared with", "= n"),
        ("IF(n, s, n)", "a value is either", "IF(n, s, n)"),
        ("n + CAST(d AS SIGNED)", "CAST of", "CAST(d AS SIGNED)"),
        ("YEAR(s)", "YEAR of", "s)"),
        ("UPPER(s COLLATE klingon)", "the collation klingon is not covered", "klingon)"),
        ("n + missing", "unknown column `missing`", "missing"),
        ("1 - DATE '2020-13-01'", "is not written as", "DATE '2020-13-01'"),
    ],
)
def test_a_term_of_the_wrong_type_is_shown(sql: str, said: str, place: str) -> None:
    what, rest = mistake(sql)

    assert said in what
    assert rest == place


def test_a_condition_without_truth_is_shown() -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_condition(parse("CONCAT(s, 'x')"), COLUMNS)

    assert caught.value.at == 0


def test_each_column_has_its_first_place() -> None:
    assert parse("IF(b > a, a, `b` + c)").places == {"a": 7, "b": 3, "c": 19}
