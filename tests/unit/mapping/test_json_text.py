from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import bson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cdc.mapping import bson_bytes
from cdc.mapping.types import json as binary
from cdc.mapping.types import json_text
from cdc.mapping.types.encoder import Unrepresentable
from cdc.mapping.types.registry import encoder
from cdc.model.table_map import Column, FieldType
from tests.support.examples import examples
from tests.unit.mapping.support.binary_json import encode
from tests.unit.mapping.support.json_trees import TREES, document


def printed(tree: Any) -> str:
    """The text that MySQL prints: keys by length, then by bytes."""
    return json.dumps(_sorted(tree), ensure_ascii=False)


def _sorted(tree: Any) -> Any:
    if isinstance(tree, dict):
        names = sorted(tree, key=lambda name: (len(name.encode()), name.encode()))
        return {name: _sorted(tree[name]) for name in names}
    return [_sorted(item) for item in tree] if isinstance(tree, list) else tree


def nested(depth: int) -> Any:
    tree: Any = 1
    for at in range(depth):
        tree = {"a": tree} if at % 2 else [tree]
    return tree


@examples(200)
@given(TREES)
@example({"_id": 1, "a": {"z": 0, "_id": 2}, "$ref": "x", "$id": 3})
@example([(1 << 63) - 1, 1 << 63, (1 << 64) - 1, -(1 << 63), (1 << 31) - 1, 1 << 31, -(1 << 31)])
@example([0.0, -0.0, 1e15, 1e16, 5e-324, 1.7976931348623157e308, 0.1, 100.0])
@example(nested(100))
@example('\x00\x1f\x7f"\\/\b\f\n\r\t\u2028漢🐬')
@example({"k" * 300: ["x" * 70_000] * 3})
def test_the_text_of_a_value_becomes_the_bson_of_its_binary_form(tree: Any) -> None:
    assert document(json_text.encode(printed(tree).encode())) == document(
        binary.transcode(encode(tree))
    )


@examples(100)
@given(TREES)
def test_what_is_encoded_fast_equals_what_is_encoded_step_by_step(tree: Any) -> None:
    text = json.dumps(tree, indent=1)

    assert json_text.encode(text.encode()) == json_text._value(json.loads(text))


TOKENS = [
    *("{", "}", "[", "]", ",", ":", " ", "\t", "\n", "\x0b", "\ufeff"),
    *(
        '"a"',
        '"b"',
        '"é"',
        '"\\u0041"',
        '"\\ud800"',
        '"\\ud83d\\ude00"',
        '"\\u0000"',
        '"\x01"',
        '"\\x"',
    ),
    *("true", "false", "null", "NaN", "Infinity", "-Infinity", "nul"),
    *("0", "-0", "-0.0", "00", "1.", ".5", "1e5", "1E+400", "1e-400", "5e-324", "0.1"),
    *("2.2250738585072011e-308", "2147483648", "-2147483649", "9223372036854775808"),
    *("18446744073709551615", "18446744073709551616", "-9223372036854775809", "9" * 300),
]


def outcome(encode: Callable[[bytes], json_text.Encoded], text: str) -> object:
    try:
        return encode(text.encode())
    except (ArithmeticError, ValueError) as error:
        return type(error) if isinstance(error, Unrepresentable) else ValueError


@examples(500)
@given(st.lists(st.sampled_from(TOKENS), max_size=12).map("".join))
@example('{"a": {"a": 1, "b": 2, "a": [18446744073709551616, -9223372036854775809]}}')
@example("[18446744073709551615, 9223372036854775808, -0, -0.0, 5e-324, 0.1]")
def test_whatever_the_text_it_is_read_fast_as_it_is_read_step_by_step(text: str) -> None:
    by_definition = outcome(json_text._step_by_step, text)
    assert outcome(json_text.encode, text) == by_definition
    assert outcome(json_text._by_libraries, text) == by_definition


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (" [1 , 2.50, -0]\n", [1, 2.5, 0]),
        ("18446744073709551616", 18446744073709551616.0),
        ("-9223372036854775809", -9223372036854775809.0),
        ('{"a": 1, "b": 2, "a": 3}', {"a": 3, "b": 2}),
        ('"\\ud834\\udd1e"', "𝄞"),
        ('{"": {"": null}}', {"": {"": None}}),
    ],
)
def test_any_text_is_read_as_mysql_reads_it(text: str, value: Any) -> None:
    assert bson.decode(document(json_text.encode(text.encode()))) == {"j": value}


@pytest.mark.parametrize(
    "text",
    ["1e999", "[-1e999]", '{"a\\u0000b": 1}', "NaN", "", "[1", "1 2", '"\\ud834"', "[" * 9999],
)
def test_what_bson_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises((Unrepresentable, ValueError)):
        json_text.encode(text.encode())


@pytest.mark.parametrize("text", ["1e999", "-1e999", "9" * 400, f"[-{'9' * 400}]"])
def test_a_number_that_is_too_large_is_told_as_such(text: str) -> None:
    with pytest.raises(Unrepresentable, match="too large for a double"):
        json_text.encode(text.encode())


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_text_may_nest_as_deep_as_mysqls_json(opening: str) -> None:
    def text(depth: int) -> str:
        closing = "]" if opening == "[" else "}"
        return "[" * 3 + "[]," * 200 + opening * (depth - 3) + "1" + closing * (depth - 3) + "]" * 3

    assert len(json_text.encode(text(100).encode())[1]) > 100
    with pytest.raises(Unrepresentable, match="deeper than 100"):
        json_text.encode(text(101).encode())


def test_text_that_looks_like_infinity_is_text() -> None:
    tree = ["\u07f0\uf07f", (0xF0 | 0x7F << 8) << 8]

    assert bson.decode(document(json_text.encode(json.dumps(tree).encode()))) == {"j": tree}


def test_a_json_column_of_text_has_the_encoder_of_text() -> None:
    column = Column("j", FieldType.JSON, length_bytes=4, json_text=True)

    found = encoder(column, None, lambda _: None)

    assert found.convert(b'{"a": 1}') == (
        bson_bytes.DOCUMENT,
        bson.encode({"a": 1}),
    )
