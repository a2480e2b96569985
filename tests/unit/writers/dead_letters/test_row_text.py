from __future__ import annotations

import json
from typing import Any

import bson
import pytest
from bson import Binary, DatetimeMS, Decimal128

from cdc.writers.dead_letters.row_text import MAX_TEXT, shown


@pytest.mark.parametrize(
    "document",
    [
        {"_id": 5, "word": "é", "none": None},
        {"_id": {"a": 1, "b": Decimal128("1.10")}, "raw": Binary(b"\0\xff"), "$set": {"a.b": 1}},
        {"_id": 1, "at": DatetimeMS(-(10**15))},
    ],
)
def test_a_row_is_shown_whole_where_it_fits(document: dict[str, Any]) -> None:
    text, truncated = shown(bson.encode(document))

    assert json.loads(text).keys() == document.keys()
    assert not truncated


def test_a_large_row_keeps_all_its_fields_and_the_beginning_of_their_values() -> None:
    text, truncated = shown(bson.encode({"_id": 1, "notes": "x" * 17_000_000, "after": 7}))

    row = json.loads(text)
    assert truncated
    assert (row["_id"], row["after"]) == (1, 7)
    assert row["notes"].startswith('"xxx')
    assert len(row["notes"]) < 1_100


def test_a_row_of_very_many_large_fields_is_cut_off() -> None:
    text, truncated = shown(bson.encode({f"field{n}": "y" * 2_000 for n in range(1_000)}))

    assert truncated
    assert len(text) <= MAX_TEXT
    assert "field0" in json.loads(text)


def test_what_is_nested_too_deep_to_be_stored_is_text_all_the_same() -> None:
    deep = bson.encode({"a": 1})
    for _ in range(190):
        deep = (len(deep) + 8).to_bytes(4, "little") + b"\x03a\0" + deep + b"\0"

    text, _ = shown(deep)

    assert text.startswith("{")


def test_damaged_bytes_show_nothing() -> None:
    assert shown(b"\x10\0\0\0damaged bytes!\0") == ("{}", True)
