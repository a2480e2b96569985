from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from bson.decimal128 import Decimal128
from bson.int64 import Int64
from hypothesis import given
from hypothesis import strategies as st

from cdc_sandbox.demo.values import ABSENT, differences, shown

NOON = datetime(2010, 9, 2, 12, tzinfo=UTC)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 31), (1 << 31) - 1)
    | st.integers(-(1 << 63), (1 << 63) - 1).map(Int64)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=5,
)


@given(values)
def test_a_value_equals_itself_after_a_trip_through_bson(value: Any) -> None:
    found = bson.decode(bson.encode({"value": value}))["value"]

    assert list(differences(value, found)) == []


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        (5, Int64(5)),
        (Int64(5), 5),
        (Int64(5), Decimal128("5")),
        (5, 5.0),
        (True, 1),
        (0, False),
        (0.0, -0.0),
        (Decimal128("5"), Decimal128("5.0")),
        (NOON, NOON.replace(microsecond=1000)),
        (NOON, NOON.isoformat()),
        (None, ABSENT),
        (None, ""),
        ("a", "A"),
        ([1, 2], [2, 1]),
        ([1], [1, 1]),
        ([], {}),
    ],
)
def test_values_of_another_type_or_content_differ(expected: Any, found: Any) -> None:
    told = list(differences({"field": expected}, {"field": found}))

    assert told
    assert all(path.split(".")[0] == "field" for path, _, _ in told)


def test_a_date_is_the_same_with_and_without_its_zone() -> None:
    assert list(differences(NOON.replace(tzinfo=None), NOON)) == []


def test_a_nested_difference_is_named_by_its_path() -> None:
    expected = {"entities": {"urls": [{"url": "a"}, {"url": "b"}]}}
    found = {"entities": {"urls": [{"url": "a"}, {"url": "c"}]}}

    assert list(differences(expected, found)) == [("entities.urls.1.url", "b", "c")]


def test_fields_too_many_and_too_few_are_both_told() -> None:
    told = list(differences({"a": 1}, {"password": "x"}))

    assert told == [("a", 1, ABSENT), ("password", ABSENT, "x")]


def test_the_order_of_keys_counts_within_a_field_only() -> None:
    top = list(differences({"a": 1, "b": 2}, {"b": 2, "a": 1}))
    nested = list(differences({"place": {"a": 1, "b": 2}}, {"place": {"b": 2, "a": 1}}))

    assert top == []
    assert nested == [("place", ["a", "b"], ["b", "a"])]


def test_a_value_is_shown_with_its_type() -> None:
    shown_values = [shown(value) for value in (5, Int64(5), None, ABSENT, "a", "x" * 99)]

    assert shown_values == [
        "int32 '5'",
        "int64 '5'",
        "null",
        "nothing",
        "string 'a'",
        f"string '{'x' * 80}…'",
    ]
