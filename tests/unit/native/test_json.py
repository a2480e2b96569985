"""The native functions answer as Python does, byte for byte, or not at all."""

from __future__ import annotations

import json as json_module
import struct
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cdc.mapping.types import json, json_text
from tests.support.examples import examples
from tests.unit.mapping.support.binary_json import encode, length
from tests.unit.mapping.support.json_trees import KEYS, TREES
from tests.unit.native.support.definition import by_definition
from tests.unit.native.support.module import NATIVE, needs_native

pytestmark = needs_native

CONTAINERS = st.lists(TREES, max_size=3) | st.dictionaries(KEYS, TREES, max_size=3)


def has_large_number(tree: Any) -> bool:
    if isinstance(tree, dict):
        return any(map(has_large_number, tree.values()))
    if isinstance(tree, list):
        return any(map(has_large_number, tree))
    return isinstance(tree, int) and tree >= 1 << 63


@examples(100)
@given(CONTAINERS)
@example({f"key{at}": [at, "x" * 100] for at in range(1000)})
@example(list(range(30_000)))
@example(["x" * 127, "x" * 128, "x" * 16384, "x" * 70_000])
@example({"a" * 300: {"": [[[{}]]]}})
@example([1 << 31, (1 << 31) - 1, -(1 << 31), -(1 << 31) - 1, (1 << 63) - 1, -(1 << 63)])
def test_containers_become_the_same_bytes(tree: Any) -> None:
    data = encode(tree)

    found = NATIVE.transcode_json(data)

    assert found == (None if has_large_number(tree) else json.transcode(data))


@examples(200)
@given(CONTAINERS, st.data())
def test_of_damaged_bytes_it_says_what_python_says_or_nothing(
    tree: Any, data: st.DataObject
) -> None:
    raw = bytearray(encode(tree))
    for _ in range(data.draw(st.integers(0, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(raw[: data.draw(st.integers(0, len(raw)))])

    found = NATIVE.transcode_json(damaged)

    assert found is None or found == by_definition(json.transcode, damaged)


@examples(1000)
@given(st.binary(max_size=80))
def test_of_any_bytes_it_says_what_python_says_or_nothing(raw: bytes) -> None:
    for first in range(5):
        data = bytes((first,)) + raw
        found = NATIVE.transcode_json(data)
        assert found is None or found == by_definition(json.transcode, data)


OPAQUE = 15


def with_opaque(field_type: int, value: bytes) -> bytes:
    """An array of one opaque value."""
    content = bytes((field_type,)) + length(len(value)) + value
    return b"\x02" + struct.pack("<HHBH", 1, 7 + len(content), OPAQUE, 7) + content


@examples(300)
@given(st.sampled_from([7, 10, 11, 12, 246, 253]), st.integers(-(1 << 63), (1 << 63) - 1))
@example(11, -(1 << 63))
@example(11, -((838 << 12 | 59 << 6 | 59) << 24 | 999_999))
@example(12, ((2024 * 13 + 2) << 22 | 29 << 17 | 23 << 12 | 59 << 6 | 59) << 24 | 123_456)
def test_opaque_values_become_the_same_texts(field_type: int, packed: int) -> None:
    data = with_opaque(field_type, struct.pack("<q", packed))

    found = NATIVE.transcode_json(data)

    temporal = field_type in (7, 10, 11, 12)
    assert found == (json.transcode(data) if temporal else None)


def test_a_container_that_nests_deeper_than_mysql_lets_it_is_left_to_python() -> None:
    tree: Any = 1
    for _ in range(100):
        tree = [tree]

    assert NATIVE.transcode_json(encode(tree)) == json.transcode(encode(tree))
    assert NATIVE.transcode_json(encode([tree])) is None


def test_offsets_that_share_a_large_value_are_left_to_python() -> None:
    count, shared = 8_000, b"\xff\x7f" + b"x" * 16_383
    at = 4 + 3 * count
    data = b"\x02" + struct.pack("<HH", count, at + len(shared))
    data += (b"\x0c" + struct.pack("<H", at)) * count + shared

    assert NATIVE.transcode_json(data) is None


@examples(100)
@given(TREES, st.sampled_from([None, 1]))
def test_texts_become_the_same_bytes(tree: Any, indent: int | None) -> None:
    text = json_module.dumps(tree, indent=indent, ensure_ascii=indent is None).encode()

    found = NATIVE.encode_json_text(text)

    assert found is None or found == json_text._step_by_step(text)
    assert found is not None or has_large_number(tree)


@examples(300)
@given(TREES, st.data())
def test_of_damaged_text_it_says_what_python_says_or_nothing(
    tree: Any, data: st.DataObject
) -> None:
    raw = bytearray(json_module.dumps(tree).encode())
    for _ in range(data.draw(st.integers(0, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.sampled_from(b'{}[],:"\\u0e-.'))
    damaged = bytes(raw[: data.draw(st.integers(0, len(raw)))])

    found = NATIVE.encode_json_text(damaged)

    assert found is None or found == by_definition(json_text._step_by_step, damaged)


@pytest.mark.parametrize(
    "text",
    [
        *('{"a": 1, "a": 2}', "-0", "1e999", "9223372036854775808", '"\\ud800"', "[1 2]"),
        *('{"\\u0000": 1}', "[" * 101 + "]" * 101, "NaN", "01", "1.", ".5", "+1", "", " ", "[1,]"),
        *('"\t"', "\ufeff1", "'a'", '{"a" 1}', "nul", "truefalse", "1 2", '"a', "[", "{", '{"a":'),
    ],
)
def test_what_is_not_ordinary_is_left_to_python(text: str) -> None:
    assert NATIVE.encode_json_text(text.encode()) is None


def test_text_that_is_no_utf8_is_left_to_python() -> None:
    assert NATIVE.encode_json_text(b'["\xff"]') is None
