"""A difference names the fields that differ, whatever it is that makes them differ."""

from __future__ import annotations

from typing import Any

import bson
import pytest
from bson import Decimal128, Int64, Regex
from hypothesis import given
from hypothesis import strategies as st

from cdc.chunks.diff import differences
from cdc.model.document_id import comparable
from cdc.model.operation import Operation, OperationKind
from cdc.writers.documents import document_id
from tests.support.examples import examples


def named(wanted: bytes, found: bytes) -> list[tuple[str, ...]]:
    """The fields of each difference between what a row says and its document."""
    identity = document_id(wanted)
    operation = Operation(OperationKind.REPLACE, identity, wanted)
    there = {comparable(identity): found}
    return [each.fields for each, _ in differences("c", [operation], there)]


def document(fields: dict[str, Any]) -> bytes:
    return bson.encode({"_id": 1, **fields})


@pytest.mark.parametrize(
    ("wanted", "found", "fields"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, ("b",)),
        ({"a": 1}, {"b": 1}, ("a", "b")),
        ({"a": 1, "b": 2, "c": 3}, {"b": 2, "a": 1, "c": 3}, ("a", "b")),
        ({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"c": 2, "b": 1}, "d": 3}, ("a.b", "a.c")),
        ({"a": {"b": {"c": 1}}}, {"a": {"b": {}}}, ("a.b.c",)),
        ({"a": {}}, {"a": []}, ("a",)),
        ({"a": 0.0, "b": 0.0}, {"a": -0.0, "b": 0.0}, ("a",)),
        ({"a": [0.0]}, {"a": [-0.0]}, ("a",)),
        ({"a": [1, 2]}, {"a": [1, Int64(2)]}, ("a",)),
        ({"a": [1]}, {"a": [1.0]}, ("a",)),
        ({"a": 1}, {"a": True}, ("a",)),
        ({"a": Decimal128("1.0")}, {"a": Decimal128("1.00")}, ("a",)),
        ({"a": [{"b": 1, "c": 2}]}, {"a": [{"c": 2, "b": 1}]}, ("a",)),
        ({"a": Regex("x", "i"), "b": 1}, {"a": Regex("x", "i"), "b": 2}, ("b",)),
        ({"_id": 1, "a": {"_id": 2}}, {"_id": 1, "a": {"_id": 3}}, ("a._id",)),
    ],
)
def test_the_fields_that_differ_are_named(
    wanted: dict[str, Any], found: dict[str, Any], fields: tuple[str, ...]
) -> None:
    assert named(document(wanted), document(found)) == [fields]


def test_a_field_that_stands_twice_in_a_document_is_named() -> None:
    twice = document({"a": 2, "b": 1}).replace(b"b\0", b"a\0")

    assert named(document({"a": 1}), twice) == [("a",)]


scalars = (
    st.none()
    | st.booleans()
    | st.sampled_from([0, 1, Int64(0), Int64(1), 0.0, -0.0, 1.0])
    | st.floats()
    | st.sampled_from(["", "a", b"a"])
)
names = st.sampled_from(["a", "b", "c", "_id"])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3)
)
documents = st.dictionaries(st.sampled_from(["a", "b", "c"]), values, max_size=3).map(document)


@examples(500)
@given(documents, documents)
def test_documents_are_equal_or_differ_in_a_field_at_least(one: bytes, other: bytes) -> None:
    found = named(one, other)

    assert bool(found) == (one != other)
    assert all(fields for fields in found)
