from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdc.mapping.source_patterns import SourcePattern, source_pattern

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
