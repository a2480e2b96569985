from __future__ import annotations

from typing import Any

import bson
import pytest
from bson import Int64
from hypothesis import given
from hypothesis import strategies as st

from cdc.writers.embedding.bson_paths import (
    EMPTY_ARRAY,
    NULL,
    among,
    array,
    chosen,
    set_in_place,
    value_at,
    with_values,
)

VALUES: list[Any] = [
    1.5, "text", {"a": 1}, [1, 2], b"bytes", True, None, 7, Int64(1 << 40),
    bson.Decimal128("1.50"), bson.ObjectId(b"123456789012"), bson.Regex("a", "i"),
    bson.Timestamp(1, 2), bson.MinKey(), bson.Code("x", {"y": 1}), bson.Binary(b"x", 4),
]  # fmt: skip


def value_of(value: Any) -> bytes:
    raw = bson.encode({"v": value})
    return raw[4:5] + raw[7:-1]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_is_read_as_it_stands_behind_every_kind_of_value(value: Any) -> None:
    raw = bson.encode({"before": value, "deep": {"x": {"other": value, "y": value}}, "last": value})

    assert value_at(raw, ("before",)) == value_of(value)
    assert value_at(raw, ("deep", "x", "y")) == value_of(value)
    assert value_at(raw, ("last",)) == value_of(value)


def test_what_is_not_there_has_no_value() -> None:
    raw = bson.encode({"a": {"b": 1}, "list": [{"b": 1}], "text": "b"})

    for path in (("b",), ("a", "c"), ("list", "b"), ("text", "b"), ("a", "b", "c")):
        assert value_at(raw, path) is None


def test_values_are_put_behind_the_fields_in_their_order() -> None:
    raw = bson.encode({"_id": 1, "by": {"name": "x"}, "end": 2})

    spliced = with_values(raw, [(("by", "author"), NULL), (("lines",), EMPTY_ARRAY)])

    assert [*bson.decode(spliced).items()] == [
        ("_id", 1),
        ("by", {"name": "x", "author": None}),
        ("end", 2),
        ("lines", []),
    ]


def test_a_value_takes_the_place_of_what_stood_there_in_the_end() -> None:
    raw = bson.encode({"a": "old", "b": {"c": 1}, "d": 2})

    assert [*bson.decode(with_values(raw, [(("a",), value_of("new"))])).items()] == [
        ("b", {"c": 1}),
        ("d", 2),
        ("a", "new"),
    ]
    assert bson.decode(with_values(raw, [(("d", "e"), value_of(3))]))["d"] == {"e": 3}
    assert bson.decode(with_values(raw, [(("x", "y", "z"), NULL)]))["x"] == {"y": {"z": None}}


@pytest.mark.parametrize(
    "own", [{"x": 0}, {"by": {"name": "n"}, "x": 0}, {"by": {}, "x": 0}, {"by": 5, "x": 0}, {}]
)
def test_a_document_that_has_its_values_already_comes_out_the_same(own: dict[str, Any]) -> None:
    values = [(("lines",), EMPTY_ARRAY), (("by", "a"), NULL), (("by", "of", "b"), NULL)]

    once = with_values(bson.encode(own), values)

    assert with_values(once, values) == once


def test_some_fields_are_chosen_under_their_names() -> None:
    raw = bson.encode({"_id": 7, "name": {"first": "A"}, "n": None})
    fields = [(b"id", ("_id",)), (b"first", ("name", "first")), (b"n", ("n",)), (b"x", ("x",))]

    assert bson.decode(chosen(raw, fields)) == {"id": 7, "first": "A", "n": None}


def test_a_condition_asks_for_all_of_its_values() -> None:
    values = [*VALUES, *range(20)]

    assert among([value_of(each) for each in values]) == bson.encode({"$in": values})


@pytest.mark.parametrize("inside", ["author", {"author": 1}, b"\x10author\0\1\0\0\0"])
def test_a_name_that_stands_elsewhere_only_is_not_there(inside: Any) -> None:
    raw = bson.encode({"before": inside, "authors": 1})

    assert value_at(raw, ("author",)) is None
    assert value_at(bson.encode({"before": inside, "author": 2}), ("author",)) == value_of(2)


def test_an_array_holds_documents_in_order() -> None:
    documents = [bson.encode({"n": n}) for n in range(12)]

    raw = with_values(bson.encode({}), [(("lines",), array(documents))])

    assert bson.decode(raw) == {"lines": [{"n": n} for n in range(12)]}


_names = st.text(st.characters(exclude_characters="\0.", codec="utf-8"), min_size=1, max_size=4)
_leaves = st.none() | st.booleans() | st.integers(-(1 << 60), 1 << 60) | st.text(max_size=5)
_documents = st.recursive(
    st.dictionaries(_names, _leaves, max_size=4),
    lambda inner: st.dictionaries(_names, inner | _leaves, max_size=4),
    max_leaves=8,
)


@given(_documents, st.lists(_names, min_size=1, max_size=3), _leaves)
def test_what_is_put_at_a_path_is_read_there_and_nothing_else_changes(
    document: dict[str, Any], path: list[str], value: Any
) -> None:
    expected = document
    raw = with_values(bson.encode(document), [(tuple(path), value_of(value))])

    assert value_at(raw, tuple(path)) == value_of(value)
    assert bson.decode(raw) == _put(expected, path, value)


def test_a_value_that_stands_where_it_belongs_is_set_there() -> None:
    before = bson.encode({"_id": 1, "by": {"id": 2, "author": None}, "n": 3, "lines": [{"a": 1}]})
    both = [(("by", "author"), value_of({"name": "Ada"})), (("lines",), EMPTY_ARRAY)]
    one = [(("by", "author"), NULL), (("lines",), EMPTY_ARRAY)]

    assert bson.decode(set_in_place(before, with_values(before, both), both) or b"") == {
        "by.author": {"name": "Ada"},
        "lines": [],
    }
    assert bson.decode(set_in_place(before, with_values(before, one), one) or b"") == {"lines": []}


@pytest.mark.parametrize(
    "before",
    [
        {"_id": 1, "author": None, "foreign": 1},
        {"_id": 1},
        {"_id": 1, "by": {"author": None}, "n": 1},
        {"_id": 1, "by": 7},
    ],
)
def test_a_value_that_would_come_to_stand_elsewhere_is_not_set(before: dict[str, Any]) -> None:
    raw = bson.encode(before)
    path = ("by", "author") if "by" in before else ("author",)

    values = [(path, value_of({"name": "Ada"}))]

    assert set_in_place(raw, with_values(raw, values), values) is None


@given(_documents, st.lists(_names, min_size=1, max_size=3), _leaves, _leaves)
def test_what_is_set_makes_the_same_document(
    document: dict[str, Any], path: list[str], value: Any, other: Any
) -> None:
    before = with_values(bson.encode(document), [(tuple(path), value_of(value))])
    values = [(tuple(path), value_of(other))]

    found = set_in_place(before, with_values(before, values), values)

    changed = {} if value_of(value) == value_of(other) else {".".join(path): other}
    assert found is None or bson.decode(found) == changed


def _put(document: Any, path: list[str], value: Any) -> dict[str, Any]:
    inner = dict(document) if isinstance(document, dict) else {}
    name, *below = path
    inner[name] = _put(inner.get(name), below, value) if below else value
    return inner
