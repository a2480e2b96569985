from __future__ import annotations

from difflib import SequenceMatcher

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdc.terminal.nearest import NEAR, nearest


@pytest.mark.parametrize(
    ("name", "known", "found"),
    [
        ("lange", ["id", "lang"], "lang"),
        ("LANG", ["id", "lang"], "lang"),
        ("zzz", ["id", "lang"], None),
        ("shop.ordrs", ["shop.nokey", "shop.orders"], "shop.orders"),
        ("shop.v", ["shop.nokey", "shop.orders"], None),
        ("orders", ["shop.nokey", "shop.orders"], "shop.orders"),
        ("author.nam", ["author.id", "author.name"], "author.name"),
        ("a", [], None),
    ],
)
def test_only_what_is_near_in_each_part_is_meant(
    name: str, known: list[str], found: str | None
) -> None:
    assert nearest(name, known) == found


@given(st.text("abc", min_size=1), st.lists(st.text("abc", min_size=1)))
def test_no_name_is_more_alike_than_the_one_that_is_found(name: str, known: list[str]) -> None:
    likeness = {each: SequenceMatcher(None, each, name).ratio() for each in known}

    found = nearest(name, known)

    if found is None:
        assert max(likeness.values(), default=0.0) < NEAR
    else:
        assert likeness[found] == max(likeness.values()) >= NEAR
