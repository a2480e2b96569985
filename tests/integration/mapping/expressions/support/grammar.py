"""Random expressions of the subset, as text, over the columns of one table."""

from __future__ import annotations

import json

from hypothesis import strategies as st

TEXTS = [
    "a",
    "A",
    "á",
    "Z",
    "ß",
    "ss",
    "SS",
    "aß",
    " ",
    "a ",
    " a",
    "ab",
    "aB%",
    "_",
    "é",
    "e\u0301",
    "İ",
    "Ⱥ",
    "aȺ",
    "ǆ",
    "\u200d",
    "l·",
    "เก",
    "Ж",
    "日",
    "😀",
    "12",
    "1.5e1x",
    "-7",
    "",
    "\t",
    "{?}",
]
LATIN = ["a", "A", "á", "Z", "ß", "ss", " ", "a ", "é", "E", "", "ÿ", "Y", "å", "Ä"]
JSON_SCALARS = st.one_of(
    st.sampled_from([None, True, False, 0, 1, -3, 1.5, 2.5, 1e20, 2**53, 2**63, 2**64 - 1, -0.0]),
    st.sampled_from(["", "a", "A", "a ", "é", "12", "1.5x", "null", 'q"\\', "\n\x01/\x7f", "😀"]),
)
JSON_ITEMS = st.recursive(
    JSON_SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "a b", "é", ""]), inner, max_size=3)
    ),
    max_leaves=6,
)
JSON = st.one_of(
    JSON_ITEMS.map(lambda item: json.dumps({"a": item, "b": [item, 1]}, ensure_ascii=False)),
    st.dictionaries(st.sampled_from(["b", "a b", "a", "é"]), JSON_ITEMS).map(json.dumps),
    JSON_ITEMS.map(json.dumps),
)
PATHS = st.sampled_from(
    """$ $.a $.a $.b $."a b" $."é" $.a.b $.b[0] $.b[last] $[0] $[1] $[last] $.a[0] $.a[last-1]
    $.b[0].a $.a[0][0] $."" $.missing""".replace("a b", "a_b").split()
).map(lambda path: path.replace("a_b", "a b"))
DATES = [
    "2024-02-29",
    "2023-02-29",
    "2024-00-10",
    "0000-00-00",
    "2024-1-5",
    "2024-01-05T1:02",
    "2024-01-05T01:02:03.9999996",
    "2024-01-05T01:02:03.5",
    "2024-13-01",
    "9999-12-31T23:59:59.9",
    "2024-01-00T00:00:00.9",
    "2024-01-05T24:00:00",
    "yesterday",
    "20240105",
]
COLUMNS = {
    "i": ("INT", st.integers(-5, 5) | st.integers(-(1 << 31), (1 << 31) - 1)),
    "t": ("TINYINT NOT NULL", st.integers(-3, 3)),
    "u": ("BIGINT UNSIGNED", st.integers(0, 5) | st.integers(0, (1 << 64) - 1)),
    "k": ("BIGINT", st.integers(-3, 3) | st.integers(-(1 << 63), (1 << 63) - 1)),
    "d": ("DECIMAL(10,2)", st.decimals(-999, 999, places=2)),
    "e": ("DECIMAL(18,5)", st.decimals(-9, 9, places=5)),
    "x": (
        "DOUBLE",
        st.floats(-10, 10).map(lambda value: value + 0.0)
        | st.sampled_from([1e20, -1e-7, 0.5, 2.5]),
    ),
    "f": ("FLOAT", st.floats(-10, 10, width=32).map(lambda value: value + 0.0)),
    "s": ("VARCHAR(50) COLLATE {ci}", st.sampled_from(TEXTS)),
    "g": ("VARCHAR(50) COLLATE utf8mb4_general_ci", st.sampled_from(TEXTS)),
    "n": ("TEXT COLLATE utf8mb4_unicode_ci", st.sampled_from(TEXTS)),
    "b": ("VARCHAR(50) COLLATE utf8mb4_bin NOT NULL", st.sampled_from(TEXTS)),
    "l": ("VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci", st.sampled_from(LATIN)),
    "c": ("CHAR(3) COLLATE utf8mb4_general_ci", st.sampled_from(["a", "A", "abc", ""])),
    "m": ("ENUM('a','B','ß') COLLATE utf8mb4_general_ci", st.sampled_from(["a", "B", "ß"])),
    "bin": ("VARBINARY(10)", st.binary(max_size=4)),
    "j": ("JSON", JSON),
    "w": (
        "VARCHAR(40) COLLATE utf8mb4_bin",
        st.datetimes().map(str) | st.sampled_from(DATES),
    ),
    "da": (
        "DATE",
        st.dates().map(str) | st.sampled_from(["0000-00-00", "2024-02-29", "2024-00-00"]),
    ),
    "dt": ("DATETIME", st.datetimes().map(lambda value: str(value)[:19])),
    "du": (
        "DATETIME(6)",
        st.datetimes().map(str) | st.sampled_from(["2024-01-01 00:00:00.999999"]),
    ),
    "ts": (
        "TIMESTAMP(3) NULL",
        st.sampled_from(["2024-01-01 00:00:00", "2001-02-03 04:05:06.789"]),
    ),
}
"""Names, definitions and values."""

Strategy = st.SearchStrategy[str]


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


LITERALS = st.sampled_from(TEXTS).map(quoted)
NUMBERS = st.sampled_from(
    [
        "0",
        "1",
        "2",
        "-3",
        "7",
        "1.5",
        "0.05",
        "2e0",
        "2.5",
        "9223372036854775807",
        "NULL",
        "TRUE",
        "i",
        "t",
        "u",
        "k",
        "d",
        "e",
        "x",
        "f",
    ]
)
PLAIN_NUMBERS = st.sampled_from(["0", "1", "-2", "3", "1.5", "i", "t", "d", "e", "u"])
COLUMN_TEXTS = st.sampled_from(["s", "g", "n", "b", "l", "c", "m"])
TARGETS = st.sampled_from(["SIGNED", "UNSIGNED", "DECIMAL(8,2)", "DOUBLE"])
MOMENTS = st.sampled_from(
    ["da", "dt", "du", "ts", "DATE '2024-02-29'", "TIMESTAMP '2024-01-01 10:11:12.5'"]
)
FORMATS = st.sampled_from(
    ["%Y-%m-%d", "%y%c%e %k:%i:%s.%f", "%M %D %W", "%a %b %j", "%T %r %p %l %h", "%w%%x", "x%q"]
)
CONSTANT_MOMENTS = st.sampled_from(
    ["'2024-02-29'", "'2024-01-01 00:00:00'", "'2024-01-01 10:11:12.5'"]
)


def listed(expressions: list[str]) -> str:
    return f"({', '.join(expressions)})"


def bracketed(expression: str) -> str:
    return f"({expression})"


def joined(*parts: Strategy | str) -> Strategy:
    """Texts one behind the other, with spaces between."""
    found = [st.just(part) if isinstance(part, str) else part for part in parts]
    return st.tuples(*found).map(" ".join)


def called(name: str, *arguments: Strategy) -> Strategy:
    return st.tuples(*arguments).map(lambda given: f"{name}({', '.join(given)})")


def one_of(*names: str) -> Strategy:
    return st.sampled_from(names)


def numbers(depth: int) -> Strategy:
    if not depth:
        return NUMBERS
    inner = st.deferred(lambda: numbers(depth - 1))
    return st.one_of(
        NUMBERS,
        joined(inner, one_of("+", "-", "*", "/", "DIV", "%", "MOD"), inner),
        joined(inner, one_of("+", "-", "*", "/", "DIV", "%"), inner).map(bracketed),
        joined("-", inner.map(bracketed)),
        called("ABS", inner),
        called("ROUND", inner, one_of("0", "1", "2", "-1")),
        called("MOD", inner, inner),
        called("IF", truths(depth - 1), inner, inner),
        called("IFNULL", inner, inner),
        called("COALESCE", inner, inner, inner),
        called("NULLIF", inner, inner),
        joined("CASE", inner, "WHEN", inner, "THEN", inner, "ELSE", inner, "END"),
        joined("CASE WHEN", truths(depth - 1), "THEN", inner, "END"),
        called("LENGTH", texts(depth - 1)),
        called("LENGTH", jsons()),
        joined("CAST(", jsons(), "AS", one_of("SIGNED", "DOUBLE"), ")"),
        joined("CAST(", unquoted(), "AS", TARGETS, ")"),
        called("CHAR_LENGTH", texts(depth - 1)),
        called("YEAR", MOMENTS),
        called("UNIX_TIMESTAMP", MOMENTS),
        joined("CAST(", inner, "AS", TARGETS, ")"),
        joined(
            "CAST(", texts(0), "AS", one_of("SIGNED", "UNSIGNED", "DECIMAL(8,2)", "DOUBLE"), ")"
        ),
    )


def texts(depth: int) -> Strategy:
    if not depth:
        return COLUMN_TEXTS | LITERALS
    inner = st.deferred(lambda: texts(depth - 1))
    whole = one_of("-2", "-1", "0", "1", "2", "3", "t")
    return st.one_of(
        COLUMN_TEXTS,
        LITERALS,
        unquoted(),
        called("CONCAT", inner, inner),
        called("CONCAT", jsons(), inner),
        called("CONCAT", inner, PLAIN_NUMBERS | MOMENTS),
        called("LOWER", inner),
        called("UPPER", inner),
        called("TRIM", inner),
        st.tuples(one_of("BOTH", "LEADING", "TRAILING"), inner, inner).map(
            lambda given: f"TRIM({given[0]} {given[1]} FROM {given[2]})"
        ),
        called("SUBSTRING", inner, whole),
        called("SUBSTRING", inner, whole, whole),
        called("IF", truths(depth - 1), inner, inner),
        called("COALESCE", inner, inner),
        called("NULLIF", inner, inner),
        joined("CASE", inner, "WHEN", inner, "THEN", inner, "ELSE", inner, "END"),
        called("DATE_FORMAT", MOMENTS, FORMATS.map(quoted)),
        called("SHA2", inner, one_of("256", "512")),
        joined("CAST(", PLAIN_NUMBERS | MOMENTS | inner, "AS CHAR)"),
        joined("CAST(", PLAIN_NUMBERS | MOMENTS, "AS CHAR(3))"),
    )


def jsons() -> Strategy:
    path = PATHS.map(quoted)
    found = called("JSON_EXTRACT", st.just("j"), path)
    return st.one_of(
        found,
        found,
        joined("j ->", path),
        called("JSON_EXTRACT", found, path),
        called("COALESCE", found, found),
        called("IF", truths(0, json=False), found, found),
    )


def unquoted() -> Strategy:
    return called("JSON_UNQUOTE", jsons()) | joined("j ->>", PATHS.map(quoted))


def moments(depth: int) -> Strategy:
    if not depth:
        return MOMENTS
    inner = st.deferred(lambda: moments(depth - 1))
    return st.one_of(
        MOMENTS,
        called("DATE", inner),
        called("COALESCE", inner, inner),
        called("IF", truths(depth - 1), inner, inner),
        called("NULLIF", inner, inner),
        joined(
            "CAST(",
            one_of("w", "w", "s", "'2024-01-05'", "TRIM(w)"),
            "AS",
            one_of("DATE", "DATETIME", "DATETIME(3)", "DATETIME(6)"),
            ")",
        ),
        joined("CAST(", inner, "AS", one_of("DATE", "DATETIME", "DATETIME(3)", "DATETIME(6)"), ")"),
    )


def truths(depth: int, *, json: bool = True) -> Strategy:
    comparison = one_of("=", "<>", "<", "<=", ">", ">=", "<=>")
    number = numbers(max(depth - 1, 0))
    text = texts(max(depth - 1, 0))
    moment = moments(max(depth - 1, 0))
    simple = [
        joined(number, comparison, number),
        joined(text, comparison, text),
        joined(moment, comparison, moment | CONSTANT_MOMENTS),
        joined("bin", comparison, one_of("x'00'", "'a'", "bin")),
        joined(
            text,
            one_of("IN", "NOT IN"),
            st.lists(LITERALS | text, min_size=1, max_size=3).map(
                lambda some: f"({', '.join(some)})"
            ),
        ),
        joined(
            number,
            one_of("IN", "NOT IN"),
            st.lists(number, min_size=1, max_size=3).map(lambda some: f"({', '.join(some)})"),
        ),
        joined(number, one_of("BETWEEN", "NOT BETWEEN"), number, "AND", number),
        joined(text, "BETWEEN", text, "AND", text),
        joined(moment, "BETWEEN", moment, "AND", moment | CONSTANT_MOMENTS),
        joined(text, one_of("LIKE", "NOT LIKE"), st.text("aAáß%_ b\\", max_size=4).map(quoted)),
        joined(text, "LIKE", COLUMN_TEXTS),
        joined(text, "LIKE", st.text("aA%_ |", max_size=4).map(quoted), "ESCAPE '|'"),
        joined(number | text | moment, one_of("IS NULL", "IS NOT NULL")),
    ]
    if json:
        simple += [
            joined(jsons(), comparison, text | number | one_of("TRUE", "FALSE", "'a'", "1", "1.5")),
            joined(one_of("'a'", "1", "s", "m", "i", "d", "x", "FALSE"), comparison, jsons()),
            joined(unquoted(), comparison, text | LITERALS),
            joined(jsons() | unquoted(), one_of("IS NULL", "IS NOT NULL")),
        ]
    if not depth:
        return st.one_of(*simple)
    inner = st.deferred(lambda: truths(depth - 1))
    return st.one_of(
        *simple,
        joined(inner, one_of("AND", "OR", "XOR"), inner),
        joined(inner, one_of("AND", "OR", "XOR", "=", "<>", "<"), inner).map(bracketed),
        joined("NOT", inner),
        joined(inner, one_of("IS TRUE", "IS NOT TRUE", "IS FALSE", "IS UNKNOWN", "IS NULL")),
    )


def expressions() -> Strategy:
    return st.one_of(truths(2), numbers(3), texts(2), moments(2), jsons())
