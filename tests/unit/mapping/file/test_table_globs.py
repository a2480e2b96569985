from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.table_globs import SourcePattern, literal, source_pattern
from cdc.model.table_name import full_name, split_name

GLOBS = st.text("ab*?", max_size=4)
NAMES = st.text("ab", max_size=5)


def test_a_plain_name_matches_itself_only() -> None:
    pattern = source_pattern("shop.orders")

    assert pattern.varying == ()
    assert pattern.matches("shop", "orders")
    assert not pattern.matches("shop", "Orders")
    assert not pattern.matches("shop_1", "orders")


@pytest.mark.parametrize(
    ("source", "varying"),
    [
        ("shop_*.orders", ("schema",)),
        ("shop.orders_??", ("table",)),
        ("shop_[ab].orders_*", ("schema", "table")),
    ],
)
def test_a_glob_tells_which_names_vary(source: str, varying: tuple[str, ...]) -> None:
    assert source_pattern(source).varying == varying


def test_a_glob_matches_whole_names() -> None:
    pattern = source_pattern("shop_[!x]*.orders_??")

    assert pattern.matches("shop_eu", "orders_07")
    assert not pattern.matches("shop_xeu", "orders_07")
    assert not pattern.matches("shop_eu", "orders_007")
    assert not pattern.matches("shop_eu", "_orders_07_gho")


def test_a_schema_may_match_where_no_table_does() -> None:
    assert source_pattern("shop_*.orders").matches_schema("shop_eu")


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("eu", "us", True),
        ("eu", "eu", False),
        ("eu", "u*", True),
        ("us", "u*", False),
        ("eu_*", "us_*", True),
        ("*_eu", "*_us", True),
        ("eu_*", "*_us", False),
        ("e?", "eu_*", False),
    ],
)
def test_names_are_apart_where_no_table_can_have_both(one: str, other: str, apart: bool) -> None:
    first, second = SourcePattern(one, "t"), SourcePattern(other, "t")

    assert first.never_shares("schema", second) is apart
    assert second.never_shares("schema", first) is apart


@given(GLOBS, GLOBS, NAMES)
def test_globs_that_are_apart_never_match_one_name(one: str, other: str, name: str) -> None:
    first, second = SourcePattern("s", one), SourcePattern("s", other)

    if first.matches("s", name) and second.matches("s", name):
        assert not first.never_shares("table", second)


@pytest.mark.parametrize(
    "name", ["a[b]c", "a*b", "what?", "a.b", "bang !x.y", "!first", "[!]", "]"]
)
def test_a_literal_names_its_table_and_no_other(name: str) -> None:
    pattern = source_pattern(literal("sch.e[m]a", name))

    assert pattern.varying == ()
    assert pattern.named == ("sch.e[m]a", name)
    assert pattern.matches("sch.e[m]a", name)
    assert not pattern.matches("sch.e[m]a", name + "x")


@given(st.text(min_size=1, max_size=12), st.text(min_size=1, max_size=12))
def test_every_name_can_be_written(schema: str, table: str) -> None:
    pattern = source_pattern(literal(schema, table))

    assert pattern.named == (schema, table)
    assert pattern.varying == ()
    assert pattern.matches(schema, table)


@given(st.text(min_size=1, max_size=12), st.text(min_size=1, max_size=12))
def test_both_names_are_one_text_that_tells_them_apart(schema: str, table: str) -> None:
    assert split_name(full_name(schema, table)) == (schema, table)


def test_what_is_left_out_is_not_matched() -> None:
    pattern = source_pattern("shop_*.orders* !shop_test.orders !*.orders_old?")

    assert pattern.varying == ("schema", "table")
    assert pattern.matches("shop_eu", "orders")
    assert not pattern.matches("shop_test", "orders")
    assert pattern.matches("shop_test", "orders_1")
    assert not pattern.matches("shop_eu", "orders_old1")


def test_a_list_is_the_pattern_and_what_it_leaves_out() -> None:
    mapping = Mapping.model_validate(
        {
            "source": ["shop_*.orders", "!shop_test.orders"],
            "target": "orders",
            "id": [{"source": "schema"}, "id"],
        }
    )

    assert mapping.source == "shop_*.orders !shop_test.orders"
    assert mapping.follows("shop_eu", "orders")
    assert not mapping.follows("shop_test", "orders")


@pytest.mark.parametrize(
    "source",
    [
        [],
        ["!a.b"],
        ["a.b", "c.d"],
        ["a.b", 5],
        ["a.b", "!nodot"],
        5,
        "nodot",
        ".t",
        "s.",
        ["a.*", "! a.b"],
        "a_*.t !b_test.t",
        "a.t !a.t",
        "a.t !a.*",
    ],
)
def test_no_other_source_is_one(source: object) -> None:
    with pytest.raises(ValidationError):
        Mapping.model_validate({"source": source, "target": "orders"})
