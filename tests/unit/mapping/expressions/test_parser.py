"""The grammar is MySQL's, and what is outside the subset is named."""

import pytest

from cdc.mapping.expressions import ExpressionError, parse


@pytest.mark.parametrize(
    ("sql", "same"),
    [
        ("a = b IS NULL", "(a = b) IS NULL"),
        ("a = b = c", "(a = b) = c"),
        ("a < b = c", "(a < b) = c"),
        ("a = b < c", "(a = b) < c"),
        ("a = b IN (c)", "a = (b IN (c))"),
        ("a XOR b AND c", "a XOR (b AND c)"),
        ("a OR b XOR c", "a OR (b XOR c)"),
        ("NOT a = b", "NOT (a = b)"),
        ("NOT a AND b", "(NOT a) AND b"),
        ("NOT a IS NULL", "NOT (a IS NULL)"),
        ("! a = b", "(NOT a) = b"),
        ("a - b - c * d", "(a - b) - (c * d)"),
        ("- a DIV b", "(- a) DIV b"),
        ("a BETWEEN 1 AND 2 AND b", "(a BETWEEN 1 AND 2) AND b"),
        ("a = 1 IS TRUE", "(a = 1) IS TRUE"),
        ("a OR b OR c OR d", "(a OR b) OR (c OR d)"),
        ("a MOD b", "MOD(a, b)"),
        ("a && b || c", "(a AND b) OR c"),
    ],
)
def test_operators_group_as_in_mysql(sql: str, same: str) -> None:
    assert parse(sql).tree == parse(same).tree


def test_columns_are_those_that_are_named() -> None:
    parsed = parse("IF(`a b` > 1, LENGTH(c), CAST(d AS SIGNED)) IN (e, 5)")

    assert parsed.columns == {"a b", "c", "d", "e"}


@pytest.mark.parametrize("name", ["call", "execute", "fetch", "optimize", "rename", "vacuum"])
def test_a_column_may_be_called_as_a_statement_begins(name: str) -> None:
    assert parse(f"{name} = 'x'").tree == parse(f"`{name}` = 'x'").tree


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("", "empty"),
        ("NOW() > a", "NOW"),
        ("CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP"),
        ("RAND()", "RAND"),
        ("SOUNDEX(a)", "SOUNDEX"),
        ("LEFT(a, 1)", "SUBSTRING"),
        ("a | b", "|"),
        ("a REGEXP 'x'", "REGEXP"),
        ("(SELECT 1)", "SELECT"),
        ("t.a = 1", "without its table"),
        ("a = _latin1'x'", "introducer"),
        ("a = @x", "variable"),
        ("a /*! + 1 */", "comment"),
        ("a AND", "unexpected end: an expression expected"),
        ("a b", "unexpected b"),
        ("CAST(a AS TIME)", "CAST AS TIME"),
        ("'it''s", "not SQL"),
        ("a = x'f\f'", "holds what is no hexadecimal digit"),
        ("a < 1e400", "1e400 is beyond the numbers of a DOUBLE"),
        ("(" * 30 + "a" + ")" * 30, "nests"),
        ("a" + " + a" * 200, "more than 150 steps"),
        ("a" + " IS NULL" * 1000, "more than 150 steps"),
        ("CHAR_LENGTH(a, b)", "takes 1 argument, not 2"),
        ("REPLACE(a, 'x', 'y')", "the function REPLACE"),
        ("BEGIN CALL ('a')", "unexpected"),
        ("; LOCK TABLES (a)", "unexpected"),
    ],
)
def test_what_is_outside_the_subset_is_named(sql: str, named: str) -> None:
    with pytest.raises(ExpressionError, match=named.replace("|", r"\|")):
        parse(sql)
