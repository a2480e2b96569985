import json as json_module
import struct
import tracemalloc
from typing import Any

import bson
import pytest
from bson.decimal128 import Decimal128
from hypothesis import given
from hypothesis import strategies as st

from cdc.errors import RecordError
from cdc.mapping.types import json, json_shapes, json_text
from cdc.mapping.types.encoder import UNUSUAL
from cdc.mapping.types.json_room import MEETINGS
from cdc.model.table_map import Column, FieldType
from tests.support.examples import examples
from tests.unit.mapping.support.binary_json import encode
from tests.unit.mapping.support.json_trees import TREES, document
from tests.unit.mapping.support.row_images import documents, prefixed, row, table, values

COLUMN = Column("j", FieldType.JSON, length_bytes=4)


def expected(value: Any) -> Any:
    """The tree with MySQL's order of keys and BSON's integers."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: (len(name.encode()), name.encode()))
        return {name: expected(value[name]) for name in names}
    if isinstance(value, list):
        return [expected(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        if -(1 << 31) <= value < 1 << 31:
            return value
        return bson.Int64(value) if value < 1 << 63 else Decimal128(str(value))
    return value


@examples(100)
@given(TREES)
def test_any_tree_becomes_the_bson_of_its_values(tree: Any) -> None:
    found = json.transcode(encode(tree))

    assert document(found) == bson.encode({"j": expected(tree)})


@examples(100)
@given(TREES)
def test_generated_transcoders_agree_with_the_plain_one(tree: Any) -> None:
    data = encode(tree)
    for _ in range(MEETINGS):
        json_shapes.transcode(data)

    assert json_shapes.transcode(data) == json.transcode(data)


@pytest.mark.parametrize(
    "tree",
    [
        ["x" * 127, "x" * 128, "x" * 16384, "x" * 70_000],
        {"a" * 300: {"": [[[{}]]]}},
        {f"key{at}": [at, "x" * 100] for at in range(1000)},
        list(range(30_000)),
        [[]] * 1200,
    ],
)
def test_large_containers_and_long_texts_keep_their_values(tree: Any) -> None:
    assert documents(table(COLUMN), row(1, prefixed(encode(tree), 4))) == [
        {"_id": 1, "j": expected(tree)}
    ]


def test_sql_null_and_json_null_and_no_bytes_are_null() -> None:
    assert values(COLUMN, None, prefixed(b"\x04\0", 4), prefixed(b"", 4)) == [None, None, None]


def test_an_unsigned_integer_that_stands_inline_in_a_large_object_is_kept() -> None:
    values_at = 8 + 6
    entry = b"\x08" + struct.pack("<I", 4_000_000_000)
    size = values_at + 5 + 1
    data = b"\x01" + struct.pack("<II", 1, size) + struct.pack("<IH", values_at + 5, 1)

    assert values(COLUMN, prefixed(data + entry + b"k", 4)) == [{"k": 4_000_000_000}]


def test_keys_that_a_partial_update_left_apart_are_found() -> None:
    """JSON_REMOVE in place leaves a hole where the key and the value were."""
    header = struct.pack("<HH", 2, 30)
    keys = struct.pack("<HHHH", 20, 1, 25, 1)
    entries = b"\x05" + struct.pack("<h", 7) + b"\x05" + struct.pack("<h", 8)
    data = b"\0" + header + keys + entries + b"??" + b"a" + b"????" + b"b" + b"????"

    for _ in range(2 * MEETINGS):
        assert values(COLUMN, prefixed(data, 4)) == [{"a": 7, "b": 8}]


WHOLE = (
    {"aa": 1, "b": [1, 2, 3], "c": {"d": None, "e": "text"}, "f": {}},
    [1, 2, 3, [True, None], {}, "x" * 300, [1] * 20],
    {"a": {"b": {"c": [[], {}]}}, "n": -5_000_000_000},
    [[[1, "a"], 2], 1.5],
    ["only text"],
)


@pytest.mark.parametrize("tree", WHOLE)
def test_json_cut_short_anywhere_is_an_error_of_the_record(tree: Any) -> None:
    whole = encode(tree)
    for _ in range(MEETINGS):
        json_shapes.transcode(whole)
        json_shapes.transcode(encode([]))
        json_shapes.transcode(encode({}))

    for end in range(1, len(whole)):
        for transcode in (json_shapes.transcode, json.transcode):
            with pytest.raises(UNUSUAL):
                transcode(whole[:end])


@pytest.mark.parametrize("fast", [True, False])
def test_a_key_that_holds_nul_is_an_error_of_the_record(fast: bool) -> None:
    raw = prefixed(encode({"a\0b": 1}), 4)

    for _ in range(MEETINGS if fast else 1):
        with pytest.raises(RecordError, match=r"`j` .*NUL"):
            values(COLUMN, raw)


@pytest.mark.parametrize("name", [None, "a"])
def test_json_nests_as_deep_as_mysql_lets_it(name: str | None) -> None:
    tree: Any = 1
    for _ in range(100):
        tree = [tree, 7, 70_000] if name is None else {name: tree, "b": 7}

    for _ in range(2 * MEETINGS):
        assert values(COLUMN, prefixed(encode(tree), 4)) == [tree]


def test_offsets_that_run_in_circles_are_an_error_of_the_record() -> None:
    entries = b"\x02" + struct.pack("<H", 0)
    raw = prefixed(b"\x02" + struct.pack("<HH", 2, 10) + entries * 2, 4)

    with pytest.raises(RecordError, match="`j`"):
        values(COLUMN, raw)


@examples(100)
@given(TREES, st.data())
def test_damaged_json_is_an_error_of_the_record_or_still_bson(
    tree: Any, data: st.DataObject
) -> None:
    raw = bytearray(encode(tree))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(raw)))

    try:
        found = documents(table(COLUMN), row(1, prefixed(bytes(raw[:end]), 4)))
    except RecordError:
        return
    assert found[0]["_id"] == 1


@examples(100)
@given(TREES)
def test_json_text_gives_the_same_documents_as_binary_json_but_for_the_order(tree: Any) -> None:
    kind, value = json_text.encode(json_module.dumps(tree).encode())

    assert bson.decode(document((kind, value))) == {"j": expected(tree)}


@pytest.mark.parametrize("inner", [b"\xff\x7f" + b"x" * 16_383, None], ids=["string", "array"])
def test_offsets_that_share_a_large_value_do_not_multiply_it(inner: bytes | None) -> None:
    """A hundred megabytes would come of these."""
    count = 8_000
    kind = b"\x0c" if inner else b"\x02"
    shared = inner or encode(["x" * 16_000])[1:]
    at = 4 + 3 * count
    data = b"\x02" + struct.pack("<HH", count, at + len(shared))
    data += (kind + struct.pack("<H", at)) * count + shared

    tracemalloc.start()
    with pytest.raises(RecordError, match="`j`"):
        values(COLUMN, prefixed(data, 4))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 40_000_000


@pytest.mark.slow
def test_what_is_remembered_of_json_stays_small() -> None:
    """Each of these would keep some hundred megabytes, were all of its kind remembered."""
    numbers = iter(range(1 << 20))
    many_keys = [{f"k{next(numbers)}": 1 for _ in range(500)} for _ in range(100)]
    long_keys = [{f"k{next(numbers)}" * 500: 1 for _ in range(3)} for _ in range(300)]
    few_keys = [{f"k{next(numbers)}": 1 for _ in range(at % 5)} for at in range(2000)]
    lengths = [[1] * size for size in range(1000, 2000, 4)]
    raws = [encode(tree) for tree in (*many_keys, *long_keys, *few_keys, *lengths)]

    tracemalloc.start()
    for raw in raws:
        json_shapes.transcode(raw)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert kept < 5_000_000
