"""The native walk of documents answers as Python's does, byte for byte, or not at all."""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cdc.writers import documents
from cdc.writers.embedding import bson_walk, links
from cdc.writers.embedding.bson_paths import EMPTY_ARRAY, NULL
from tests.support.examples import examples
from tests.unit.native.support.module import NATIVE, needs_native

pytestmark = needs_native

Path = tuple[str, ...]

LEAVES: list[Any] = [
    1.5, "text", [1, {"a": 2}], b"bytes", True, None, 7, bson.Int64(1 << 40), "", {}, [],
    bson.Decimal128("1.50"), bson.ObjectId(b"123456789012"), bson.Regex("a", "i"),
    bson.Timestamp(1, 2), bson.MinKey(), bson.MaxKey(), bson.Code("x", {"y": 1}), bson.Code("x"),
    bson.Binary(b"x", 4), bson.DBRef("c", 1), datetime(2024, 5, 6, tzinfo=UTC), -1, -(1 << 63),
]  # fmt: skip

NAMES = st.sampled_from(["_id", "a", "b", "ab", "by", "ä", ""])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(tuple)
DOCUMENTS = st.recursive(
    st.dictionaries(NAMES, st.sampled_from(LEAVES), max_size=5),
    lambda inner: st.dictionaries(NAMES, inner | st.sampled_from(LEAVES), max_size=5),
    max_leaves=12,
)


def value_of(value: Any) -> bytes:
    raw = bson.encode({"v": value})
    return raw[4:5] + raw[7:-1]


VALUES = st.sampled_from(LEAVES).map(value_of) | DOCUMENTS.map(value_of)
AT_PATHS = st.lists(st.tuples(PATHS, VALUES), max_size=3)
FIELDS = st.lists(st.tuples(st.sampled_from([b"x", b"name"]), PATHS), max_size=3)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    raw = bytearray(bson.encode(draw(DOCUMENTS)))
    for _ in range(draw(st.integers(1, 4))):
        raw[draw(st.integers(0, len(raw) - 1))] = draw(st.integers(0, 255))
    return bytes(raw[: draw(st.integers(0, len(raw)))])


def by_definition(answer: Callable[[], Any]) -> Any:
    """What Python makes of it; an error is no answer."""
    try:
        return answer()
    except (LookupError, ValueError, struct.error, bson.errors.BSONError):
        return ValueError


@examples(150)
@given(DOCUMENTS, st.sampled_from(LEAVES))
def test_ids_are_the_same(document: dict[str, Any], identifier: Any) -> None:
    raw = bson.encode({"_id": identifier, **document})

    assert NATIVE.document_id(raw) == documents.id_step_by_step(raw)


@examples(150)
@given(DOCUMENTS, st.lists(PATHS, max_size=4))
def test_values_are_the_same(document: dict[str, Any], paths: list[Path]) -> None:
    raw = bson.encode(document)

    assert NATIVE.values_at(raw, paths) == bson_walk.values_at(raw, paths)


@examples(150)
@given(DOCUMENTS, st.lists(PATHS, max_size=3))
@example({"a": -1, "b": bson.Int64(-(1 << 63)), "_id": "x"}, [("a",), ("b",), ("_id",)])
def test_links_are_the_same(document: dict[str, Any], paths: list[Path]) -> None:
    raw = bson.encode(document)

    found = NATIVE.link(raw, paths)

    kinds = {value[0] for value in bson_walk.values_at(raw, paths) if value is not None}
    if found is None:
        assert kinds & {0x01, 0x03, 0x13}
    else:
        expected = links.step_by_step(raw, paths)
        assert (found or None) == expected or not paths
        assert not found or [*map(type, found[0])] == [*map(type, (expected or ((),))[0])]


@examples(150)
@given(st.lists(DOCUMENTS, max_size=4), st.lists(PATHS, max_size=2), st.none() | FIELDS)
def test_linked_documents_of_a_batch_are_the_same(
    batch: list[dict[str, Any]], paths: list[Path], fields: list[tuple[bytes, Path]] | None
) -> None:
    raws = [bson.encode(each) for each in batch]

    found = NATIVE.linked(b"".join(raws), paths, fields)

    if any(NATIVE.link(raw, paths) is None for raw in raws):
        assert found is None
    else:
        assert found == [*links.linked_step_by_step(b"".join(raws), paths, fields)]


@examples(200)
@given(DOCUMENTS, AT_PATHS)
@example({"by": {}}, [(("by", "a"), NULL)])
@example({"by": {"a": {}}}, [(("by", "a", "b"), NULL), (("c",), EMPTY_ARRAY)])
def test_documents_with_values_are_the_same(
    document: dict[str, Any], values: list[tuple[Path, bytes]]
) -> None:
    raw = bson.encode(document)

    assert NATIVE.with_values(raw, values) == bson_walk.with_values(raw, values)


@examples(200)
@given(DOCUMENTS, AT_PATHS, st.booleans(), st.data())
def test_what_is_set_is_the_same(
    document: dict[str, Any],
    values: list[tuple[Path, bytes]],
    whole_before: bool,
    data: st.DataObject,
) -> None:
    raw = bson.encode(document)
    if whole_before:
        others = [(path, data.draw(VALUES)) for path, _ in values]
        raw = bson_walk.with_values(raw, others)
    whole = bson_walk.with_values(raw, values)

    found = NATIVE.set_in_place(raw, whole, values)

    assert found is not None
    assert (found or None) == bson_walk.set_in_place(raw, whole, values)


@examples(150)
@given(DOCUMENTS, FIELDS)
def test_chosen_fields_are_the_same(
    document: dict[str, Any], fields: list[tuple[bytes, Path]]
) -> None:
    raw = bson.encode(document)

    assert NATIVE.chosen(raw, fields) == bson_walk.chosen(raw, fields)


@examples(50)
@given(st.lists(DOCUMENTS, max_size=12), st.lists(VALUES, max_size=12))
@example([{}] * 1001, [NULL] * 1001)
def test_arrays_and_conditions_are_the_same(
    documents: list[dict[str, Any]], values: list[bytes]
) -> None:
    raws = [bson.encode(each) for each in documents]

    assert NATIVE.array(raws) == bson_walk.array(raws)
    assert NATIVE.among(values) == bson_walk.among(values)


@examples(500)
@given(damaged() | st.binary(max_size=40), AT_PATHS, FIELDS, st.binary(max_size=40))
def test_of_damaged_bytes_they_say_what_python_says_or_nothing(
    raw: bytes, values: list[tuple[Path, bytes]], fields: list[tuple[bytes, Path]], whole: bytes
) -> None:
    paths = [path for path, _ in values]
    for found, answer in (
        (NATIVE.document_id(raw), lambda: documents.id_step_by_step(raw)),
        (NATIVE.values_at(raw, paths), lambda: bson_walk.values_at(raw, paths)),
        (NATIVE.link(raw, paths), lambda: links.step_by_step(raw, paths) or ()),
        (
            NATIVE.linked(raw, paths, fields),
            lambda: [*links.linked_step_by_step(raw, paths, fields)],
        ),
        (NATIVE.with_values(raw, values), lambda: bson_walk.with_values(raw, values)),
        (
            NATIVE.set_in_place(raw, whole, values),
            lambda: bson_walk.set_in_place(raw, whole, values) or b"",
        ),
        (
            NATIVE.set_in_place(raw, raw, values),
            lambda: bson_walk.set_in_place(raw, raw, values) or b"",
        ),
        (NATIVE.chosen(raw, fields), lambda: bson_walk.chosen(raw, fields)),
    ):
        if found is not None and not (found == ((), ()) and not paths):
            assert found == by_definition(answer)


@pytest.mark.parametrize("name", ["a\0", "\0", "a\0b"])
def test_a_name_with_a_nul_is_left_to_python(name: str) -> None:
    raw = bson.encode({"a": 1})

    assert NATIVE.values_at(raw, [(name,)]) is None
    assert NATIVE.with_values(raw, [((name,), NULL)]) is None


@pytest.mark.parametrize("values", [[((), NULL)], [(("a",), b"")]])
def test_what_is_no_path_or_no_value_is_left_to_python(values: list[tuple[Path, bytes]]) -> None:
    assert NATIVE.with_values(bson.encode({}), values) is None
