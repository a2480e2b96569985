from __future__ import annotations

import pytest

from cdc.terminal.nearest import nearest


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
