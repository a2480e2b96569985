"""What can be compiled, and what is refused because it could mean something else."""

from decimal import Decimal

import pytest

from cdc.mapping.expressions import (
    ExpressionError,
    bson_value,
    compile_condition,
    compile_expression,
    decoder,
    parse,
)
from cdc.mapping.expressions.runtime.dates import UnreadDate
from cdc.mapping.expressions.runtime.numbers import OutOfRange
from cdc.model.table_map import Column, FieldType

BIN, UNKNOWN = 46, 1088
COLUMNS = {
    column.name: column
    for column in (
        Column("id", FieldType.LONGLONG, nullable=False, unsigned=True),
        Column("n", FieldType.LONG),
        Column("price", FieldType.NEWDECIMAL, precision=10, scale=2),
        Column("ratio", FieldType.DOUBLE),
        Column("f", FieldType.FLOAT),
        Column("y", FieldType.YEAR),
        Column("b", FieldType.BIT, bits=3),
        Column("lang", FieldType.VARCHAR, length=80, collation=BIN),
        Column("armenian", FieldType.VARCHAR, length=80, collation=UNKNOWN),
        Column("bytes", FieldType.VARCHAR, length=80, collation=63),
        Column("born", FieldType.DATE),
        Column("made", FieldType.DATETIME2, scale=3),
        Column("doc", FieldType.GEOMETRY),
        Column("mood", FieldType.ENUM, length=1, collation=BIN, members=("a", "b")),
    )
}


def evaluate(sql: str, *values: object, mariadb: bool = False) -> object:
    return compile_expression(parse(sql), COLUMNS, mariadb=mariadb).evaluate(values)


@pytest.mark.parametrize(
    ("sql", "values", "expected"),
    [
        ("n IS NULL AND lang <> 'xx'", (None, "de"), 1),
        ("n IS NULL AND lang <> 'xx'", (None, None), None),
        ("n = 1 AND lang <> 'xx'", (2, None), 0),
        ("n + 1", (None,), None),
        ("n / 0", (5,), None),
        ("n DIV 2", (-7,), -3),
        ("n % 3", (-7,), -1),
        ("price * 2", (Decimal("1.50"),), Decimal("3.00")),
        ("n IN (1, NULL)", (2,), None),
        ("lang = 'a'", ("a  ",), 1),
        ("SUBSTRING(lang, -2)", ("hello",), "lo"),
        ("NULLIF(n, 5)", (5,), None),
        ("COALESCE(lang, 'none')", (None,), "none"),
        ("N", (7,), 7),
    ],
)
def test_a_value(sql: str, values: tuple[object, ...], expected: object) -> None:
    found = evaluate(sql, *values)

    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(
    ("sql", "true_of"),
    [
        (" OR ".join(f"n = {number}" for number in range(500)), {0, 255, 499}),
        (" AND ".join(f"n <> {number}" for number in range(3, 500)), {-1, 0, 500}),
        (f"n IN ({', '.join(f'{number}.0' for number in range(500))})", {0, 255, 499}),
    ],
)
def test_a_condition_may_be_as_long_as_people_write_them(sql: str, true_of: set[int]) -> None:
    condition = compile_condition(parse(sql), COLUMNS)

    found = {n for n in (-1, 0, 255, 499, 500, None) if condition.is_true((n,))}

    assert found == true_of


@pytest.mark.parametrize(
    ("text", "number"),
    [("9" * 5000, -1), ("-" + "9" * 5000, -(1 << 63)), ("0" * 5000 + "7", 7), ("00", 0)],
)
def test_a_text_of_any_number_of_digits_is_cast(text: str, number: int) -> None:
    assert evaluate("CAST(lang AS SIGNED)", text) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0e200", "0"),
        ("1e200", "999.9"),
        ("-1e" + "9" * 9, "-999.9"),
        ("1e-" + "9" * 9, "0"),
        ("0e" + "9" * 9, "0"),
        ("12.34e1x", "123.4"),
    ],
)
def test_a_text_with_an_exponent_is_cast(text: str, number: str) -> None:
    assert evaluate("CAST(lang AS DECIMAL(4,1))", text) == Decimal(number)


def test_an_exponent_that_the_servers_read_otherwise_is_an_error_of_the_row() -> None:
    with pytest.raises(OutOfRange, match="exponent"):
        evaluate("CAST(lang AS DECIMAL(4,1))", "-1e" + "9" * 50)


@pytest.mark.parametrize(("value", "sign"), [(1e300, 1), (-1e300, -1), (1e-300, 0)])
def test_a_double_of_any_size_is_cast_to_the_nearest_decimal(value: float, sign: int) -> None:
    found = evaluate("CAST(ratio AS DECIMAL(4,1))", value)

    assert found == sign * Decimal("999.9")


@pytest.mark.parametrize(
    ("sql", "mysql", "mariadb"),
    [
        ("CONCAT(IF(n > 5, 1.50, n), ' EUR')", "5 EUR", "5.00 EUR"),
        ("LENGTH(CASE n WHEN 5 THEN n ELSE 1.50 END)", 1, 4),
        ("CONCAT(NULLIF(IF(n > 5, 1.50, n), 7))", "5", "5.00"),
        ("CONCAT(COALESCE(IF(n > 5, 1.50, n), 1.5))", "5.00", "5.00"),
        ("CONCAT(IF(n > 5, IF(n > 6, 1.5, 2), IF(n > 4, n, 1.5)))", "5", "5.0"),
    ],
)
def test_mysql_prints_the_number_that_it_takes(sql: str, mysql: object, mariadb: object) -> None:
    assert evaluate(sql, 5) == mysql
    assert evaluate(sql, 5, mariadb=True) == mariadb


@pytest.mark.parametrize("place", ["3", "0", "-3", "1, 0"])
def test_a_part_of_a_binary_is_a_binary_also_where_it_is_empty(place: str) -> None:
    expression = compile_expression(parse(f"SUBSTRING(bytes, {place})"), COLUMNS)

    assert bson_value(expression.evaluate((b"ab",)), expression.kind) == (
        b"\x05",
        b"\0\0\0\0\0",
    )


def test_a_double_out_of_range_is_what_the_server_makes_of_it() -> None:
    assert evaluate("CAST(ratio AS SIGNED)", 1e30) == 2**63 - 1
    assert evaluate("CAST(f AS SIGNED)", 1e30, mariadb=True) == 2**63 - 1
    with pytest.raises(OutOfRange):
        evaluate("CAST(f AS SIGNED)", 1e30)
    with pytest.raises(OutOfRange):
        evaluate("CAST(ratio * 2 AS SIGNED)", 1e30)


def test_a_bit_64_of_mariadb_is_refused() -> None:
    columns = {"all": Column("all", FieldType.BIT, bits=64)}

    assert compile_expression(parse("`all` + 0"), columns).evaluate((7,)) == 7
    with pytest.raises(ExpressionError, match="signed number at times"):
        compile_expression(parse("`all` + 0"), columns, mariadb=True)


@pytest.mark.parametrize("mariadb", [False, True])
@pytest.mark.parametrize("type_", [FieldType.ENUM, FieldType.SET])
@pytest.mark.parametrize("sql", ["e", "CONCAT(e, 'x')", "e = 'a'", "e IS NULL"])
def test_an_enum_or_set_of_charset_binary_is_refused(
    sql: str, type_: FieldType, mariadb: bool
) -> None:
    columns = {"e": Column("e", type_, length=1, collation=63, members=("a",))}

    with pytest.raises(ExpressionError, match="`e`: the members of an ENUM or SET"):
        compile_expression(parse(sql), columns, mariadb=mariadb)


def test_a_constant_may_hold_any_character() -> None:
    assert evaluate("lang = 'a\0b\n'", "a\0b\n") == 1


def test_a_condition_is_false_where_it_is_unknown() -> None:
    condition = compile_condition(parse("n <> 1"), COLUMNS)

    assert [condition.is_true((n,)) for n in (1, 2, None)] == [False, True, False]


def test_each_text_compares_by_its_own_collation() -> None:
    columns = {
        "a": Column("a", FieldType.VARCHAR, length=80, collation=45),
        "b": Column("b", FieldType.VARCHAR, length=80, collation=46),
    }
    expression = compile_expression(parse("a IN ('x', 'y') AND b IN ('x', 'y')"), columns)

    found = [expression.evaluate(values) for values in (("X", "x"), ("x", "X"), ("x", "x"))]

    assert found == [1, 0, 1]


def test_mysql_cuts_what_grows_in_lower_case() -> None:
    found = evaluate("LOWER(CONVERT(lang USING utf8mb4))", "\u023ax")

    assert found == "\u2c65"


def test_a_quotient_is_cut_where_the_words_of_decimals_end() -> None:
    assert evaluate("CAST(n AS DECIMAL(9,5)) / 1427", 10) == Decimal("0.007007708")


def test_whole_seconds_are_divided_without_their_zeros() -> None:
    found = evaluate("UNIX_TIMESTAMP(TIMESTAMP '1970-01-01 00:00:01.000000') / 7")

    assert found == Decimal("0.142857142")


def test_columns_come_in_the_order_in_which_values_are_taken() -> None:
    expression = compile_expression(parse("lang = 'x' OR n > ID"), COLUMNS)

    assert expression.columns == ("lang", "n", "id")


@pytest.mark.parametrize("sql", ["id - 1", "-id", "9223372036854775807 + n"])
def test_a_number_out_of_range_is_an_error_of_the_row(sql: str) -> None:
    value = 1 << 63 if sql == "-id" else 0 if sql == "id - 1" else 1

    with pytest.raises(OutOfRange):
        evaluate(sql, value + (sql == "-id"))


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("unknown = 1", "unknown column"),
        ("n = lang", "write CAST"),
        ("lang + 1", "used as a number"),
        ("made = 20240101", "YYYY"),
        ("made > '2024-1-1'", "YYYY"),
        ("born > 'yesterday'", "YYYY"),
        ("armenian = 'x'", "not covered"),
        ("y = 70", "YEAR"),
        ("f", "CAST"),
        ("b", r"\+ 0"),
        ("doc IS NULL", "GEOMETRY"),
        ("bytes = lang", "CAST"),
        ("CASE WHEN n THEN lang ELSE 1 END", "CAST"),
        ("CAST(ratio AS UNSIGNED)", "SIGNED"),
        ("CAST(bytes AS DATE)", "outside"),
        ("YEAR(lang)", "CAST"),
        ("born > lang", "CAST"),
        ("CAST(mood AS SIGNED)", "its number"),
        ("CAST(COALESCE(mood, mood) AS DOUBLE)", "its number"),
        ("ROUND(n, n)", "ROUND"),
        ("CONCAT(lang, x'41')", "binary constant"),
        ("DATE_FORMAT(made, '%Z')", "time zones"),
        ("CAST(IF(n, ratio, id) AS DECIMAL(20,0))", "CAST each"),
        ("COALESCE(f, f)", "a choice of a FLOAT"),
        ("price < 0." + "1" * 31, "30 behind the point"),
        ("price < " + "9" * 5000, "65 digits"),
        ("n" + " + n" * 120, "too many steps"),
        ("SHA2(lang, 5)", "SHA2"),
        ("lang LIKE 'x' ESCAPE ''", "ESCAPE"),
        ("price * price * price * price * price * price * price", "digits"),
        ("lang COLLATE utf8mb4_klingon_ci", "not covered"),
    ],
)
def test_what_could_mean_something_else_is_refused(sql: str, named: str) -> None:
    with pytest.raises(ExpressionError, match=named):
        compile_expression(parse(sql), COLUMNS)


def test_mariadb_compares_no_date_of_a_text() -> None:
    with pytest.raises(ExpressionError, match="UNIX_TIMESTAMP"):
        evaluate("COALESCE(DATE(CAST(lang AS DATETIME)), born) > born", "x", mariadb=True)


def test_a_text_is_no_condition() -> None:
    with pytest.raises(ExpressionError, match="truth value"):
        compile_condition(parse("lang"), COLUMNS)


@pytest.mark.parametrize(
    ("sql", "text", "value"),
    [
        ("CAST(lang AS DATE) = '2024-02-29'", "2024-2-29", 1),
        ("CAST(lang AS DATETIME) = '2024-02-29 11:00:00'", "2024-02-29T10:59:59.5", 1),
        ("CAST(lang AS DATE)", "2023-02-29", None),
        ("CAST(lang AS DATETIME(6))", "yesterday", None),
        ("CAST(lang AS DATE)", "", None),
    ],
)
def test_a_text_as_a_date(sql: str, text: str, value: object) -> None:
    assert evaluate(sql, text) == value


@pytest.mark.parametrize("text", ["20240229", "24-02-29", "2024/02/29", "10:11:12", "2024-02-29 x"])
def test_a_date_that_the_servers_may_read_otherwise_is_an_error_of_the_row(text: str) -> None:
    with pytest.raises(UnreadDate):
        evaluate("CAST(lang AS DATE)", text)


def test_a_pattern_of_many_wildcards_takes_no_time() -> None:
    found = evaluate("lang LIKE '%a%a%a%a%a%a%a%a%a%a%a%a%b'", "a" * 2000)

    assert found == 0


def test_a_column_is_decoded_and_encoded() -> None:
    raw = (1 << 39 | (2024 * 13 + 2) << 22 | 29 << 17).to_bytes(5, "big") + b"\x04\xd2"
    expression = compile_expression(parse("DATE(made)"), COLUMNS)

    value = expression.evaluate((decoder(COLUMNS["made"])(raw),))

    assert bson_value(value, expression.kind) == (b"\x09", (1709164800000).to_bytes(8, "little"))
