from __future__ import annotations

import json
import tracemalloc
from typing import Any

import bson
import pytest
from bson import Binary, DatetimeMS, Decimal128, json_util

from cdc.writers.dead_letters.row_text import MAX_BYTES, MAX_TEXT, MAX_VALUE, shown


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


@pytest.mark.parametrize("value", ["ä" * 999, "\n€" * 600_000, b"\xff" * 749, b"ab\0" * 600_000])
def test_the_beginning_of_a_value_is_that_of_its_whole_text(value: str | bytes) -> None:
    text, truncated = shown(bson.encode({"_id": 1, "value": value, "more": "y" * MAX_BYTES}))

    whole = json_util.dumps(value, json_options=json_util.RELAXED_JSON_OPTIONS, ensure_ascii=False)
    kept = json.loads(text)["value"]
    assert truncated
    if len(whole) > MAX_VALUE:
        assert kept == f"{whole[:MAX_VALUE]}…"
    else:
        assert json.loads(whole) == kept


def test_a_large_row_takes_little_more_memory_than_its_values() -> None:
    document = bson.encode({"_id": 1, "text": "x" * 8_000_000, "data": b"x" * 8_000_000})
    tracemalloc.start()

    shown(document)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 17_000_000


def test_what_is_large_and_nested_too_deep_is_text_all_the_same() -> None:
    deep = bson.encode({"a": "x" * MAX_BYTES})
    for _ in range(190):
        deep = (len(deep) + 8).to_bytes(4, "little") + b"\x03a\0" + deep + b"\0"

    text, truncated = shown(deep)

    assert text.startswith("{")
    assert truncated
