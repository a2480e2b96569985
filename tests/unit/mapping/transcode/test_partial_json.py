import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdc.errors import Corrupted, RefusedEvent
from cdc.mapping.transcode.partial_json import completed
from cdc.mapping.types import json
from cdc.mapping.types.json_diff import Cell, parse_path, patched
from cdc.mapping.types.json_tree import BadJson, container, members, parse, serialized
from cdc.model.table_map import Column, FieldType, TableMap
from cdc.model.transaction import RowsEvent, RowsKind
from tests.support.examples import examples
from tests.unit.mapping.support.binary_json import encode
from tests.unit.mapping.support.json_trees import TREES
from tests.unit.mapping.support.row_images import event, prefixed, row, table, varchar

REPLACE, INSERT, REMOVE = range(3)


def diff(operation: int, path: str, *value: Any) -> bytes:
    text = path.encode()
    return bytes((operation,)) + sized(text) + b"".join(sized(encode(one)) for one in value)


def sized(data: bytes) -> bytes:
    if len(data) < 0xFB:
        return bytes((len(data),)) + data
    return b"\xfd" + len(data).to_bytes(3, "little") + data


def after(tree: Any, *diffs: bytes) -> bytes:
    return patched(encode(tree), b"".join(diffs))


@examples(100)
@given(TREES)
def test_a_container_taken_apart_and_written_again_is_the_same(tree: Any) -> None:
    value = parse(encode(tree))

    if value.is_object or value.is_array:
        value = container(value.kind, members(value))

    assert json.transcode(serialized(value)) == json.transcode(encode(tree))


@pytest.mark.parametrize(
    ("tree", "diffs", "expected"),
    [
        ({"a": 1}, [diff(REPLACE, "$.a", "x")], {"a": "x"}),
        ({"a": 1}, [diff(INSERT, "$.b", [1])], {"a": 1, "b": [1]}),
        (
            {"bb": 1},
            [diff(INSERT, "$.a", 2), diff(INSERT, "$.ccc", 3)],
            {"a": 2, "bb": 1, "ccc": 3},
        ),
        ({"a": 1, "b": 2}, [diff(REMOVE, "$.a")], {"b": 2}),
        ([1, 2, 3], [diff(REMOVE, "$[0]"), diff(REPLACE, "$[0]", None)], [None, 3]),
        ([1, 2, 3], [diff(INSERT, "$[1]", 9), diff(INSERT, "$[99]", 4)], [1, 9, 2, 3, 4]),
        ([1, 2, 3], [diff(REPLACE, "$[last]", 0), diff(REMOVE, "$[last-1]")], [1, 0]),
        ({"a": {"b c": [{}]}}, [diff(INSERT, '$.a."b c"[0]."\\u0001\\""', True)], None),
        ({"a": 1}, [diff(REPLACE, "$.a", "x" * 70_000), diff(REPLACE, "$.a", 1)], {"a": 1}),
        ({"a": [70_000]}, [diff(INSERT, "$.b", "x" * 70_000)], {"a": [70_000], "b": "x" * 70_000}),
    ],
)
def test_changes_are_applied_in_order(tree: Any, diffs: list[bytes], expected: Any) -> None:
    if expected is None:
        expected = {"a": {"b c": [{'\x01"': True}]}}

    assert json.transcode(after(tree, *diffs)) == json.transcode(encode(expected))


@pytest.mark.parametrize(
    "diffs",
    [
        diff(REPLACE, "$.b", 1),
        diff(INSERT, "$.a", 1),
        diff(REMOVE, "$.b"),
        diff(REMOVE, "$.a[0]"),
        diff(REPLACE, "$[0]", 1),
        diff(REPLACE, "$", 1),
        diff(REPLACE, "a", 1),
        diff(REPLACE, "$.*", 1),
        diff(REPLACE, "$**.a", 1),
        diff(REPLACE, '$."a', 1),
        diff(REPLACE, "$" + ".a" * 200, 1),
        diff(3, "$.a", 1),
        diff(REPLACE, "$.a"),
        b"\x00\xff",
        b"\x00\x03$.\xff\x01\x05",
        b"\x00",
    ],
)
def test_changes_that_do_not_fit_are_refused(diffs: bytes) -> None:
    with pytest.raises(BadJson):
        after({"a": 1}, diffs)


def test_paths_are_read_as_the_server_writes_them() -> None:
    path = parse_path('$.a."b c"[3][last][last-2].ü'.encode())

    assert path == (
        b"a",
        b"b c",
        Cell(3),
        Cell(0, from_end=True),
        Cell(2, from_end=True),
        "ü".encode(),
    )


COLUMNS = table(
    Column("j", FieldType.JSON, length_bytes=4),
    varchar("name"),
    Column("k", FieldType.JSON, length_bytes=4),
)


def whole(number: int, j: Any, name: str, k: Any) -> bytes:
    return row(number, _json(j), prefixed(name.encode()), _json(k))


def _json(value: Any) -> bytes:
    return prefixed(encode(value), 4)


def partial(bits: int, number: int, j: bytes, name: str, k: bytes) -> bytes:
    return (
        b"\1"
        + bytes((bits,))
        + row(number, prefixed(j, 4), prefixed(name.encode()), prefixed(k, 4))
    )


def update(*images: bytes) -> RowsEvent:
    return event(COLUMNS, *images, kind=RowsKind.UPDATE)


UPDATES = [
    whole(1, {"a": 1}, "x", [1, 2]),
    partial(3, 1, diff(REPLACE, "$.a", 2), "y", diff(REMOVE, "$[0]")),
    whole(2, {"a": 1}, "x", [1, 2]),
    b"\0" + whole(2, {"b": 1}, "y", None),
    whole(3, {"a": 1}, "x", [1, 2]),
    partial(2, 3, encode({"c": 1}), "y", b""),
]


def test_partial_images_become_whole_ones() -> None:
    found = completed(update(*UPDATES))

    expected = [
        UPDATES[0],
        whole(1, {"a": 2}, "y", [2]),
        UPDATES[2],
        whole(2, {"b": 1}, "y", None),
        UPDATES[4],
        whole(3, {"c": 1}, "y", [1, 2]),
    ]
    assert found == update(*expected)


def test_a_change_within_null_is_an_error() -> None:
    before = row(1, None, prefixed(b""), None)

    with pytest.raises(Corrupted, match="NULL"):
        completed(update(before, partial(1, 1, diff(REMOVE, "$.a"), "", encode(1))))


def test_images_without_all_the_columns_are_refused() -> None:
    with pytest.raises(RefusedEvent, match="lack columns"):
        completed(event(COLUMNS, *UPDATES, kind=RowsKind.UPDATE, present=b"\x03"))


def test_a_type_that_is_not_known_is_refused() -> None:
    columns = TableMap("shop", "things", (Column("old", FieldType.DECIMAL),))

    with pytest.raises(RefusedEvent, match="`old`"):
        completed(event(columns, b"", kind=RowsKind.UPDATE))


def test_partial_images_cut_short_anywhere_are_an_error() -> None:
    images = b"".join(UPDATES)
    ends = {len(b"".join(UPDATES[:at])) for at in (2, 4, 6)}

    for end in range(1, len(images)):
        if end not in ends:
            with pytest.raises(Corrupted):
                completed(update(images[:end]))


@examples(300)
@given(st.data())
def test_changed_bytes_raise_or_give_whole_images(data: st.DataObject) -> None:
    images = bytearray(b"".join(UPDATES))
    for _ in range(data.draw(st.integers(1, 4))):
        images[data.draw(st.integers(0, len(images) - 1))] = data.draw(st.integers(0, 255))

    try:
        found = completed(update(bytes(images)))
    except Corrupted:
        return

    assert len(found.images) < 100 * len(images)


@examples(300)
@given(TREES, st.data())
def test_changes_of_damaged_json_raise_or_stay_small(tree: Any, data: st.DataObject) -> None:
    raw = bytearray(encode({"a": {"b": tree}, "c": [tree]}))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    paths = st.sampled_from(["$.a.b", "$.a", "$.c[0]", "$.c[0][0]", "$.a.b.x"])
    diffs = diff(data.draw(st.sampled_from([REPLACE, INSERT])), data.draw(paths), 1)

    try:
        found = patched(bytes(raw), diffs)
    except BadJson:
        return

    assert len(found) < 3 * len(raw) + 100


def test_offsets_that_overlap_do_not_multiply() -> None:
    entries = b"\x0c" + struct.pack("<H", 4)
    data = b"\x02" + struct.pack("<HH", 20_000, 60_000 + 4) + entries * 20_000

    with pytest.raises(BadJson, match="overlap"):
        patched(data, diff(REPLACE, "$[0]", 1))
