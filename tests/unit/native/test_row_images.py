"""The native module makes the row images that generated code makes, or leaves rows to it."""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdc.model.table_map import Column, FieldType, TableMap
from cdc.readers.select.native_images import row_images
from cdc.readers.select.wire_values import Packing, WireColumn, wire_column
from tests.support.event_streams import in_pieces
from tests.support.examples import examples
from tests.unit.mapping.support.random_columns import MEMBERS, SHAPES
from tests.unit.native.support.module import NATIVE, needs_native
from tests.unit.native.support.selecting import (
    END,
    arrived,
    assert_equal,
    behind_length,
    packets,
    read,
)

pytestmark = needs_native

BINARY = {"type": FieldType.STRING, "length": 16, "collation": 63}
KINDS: list[tuple[dict[str, Any], str]] = [
    *((shape, "any") for shape in SHAPES),
    *((BINARY, name) for name in ("uuid", "inet4", "inet6")),
    ({"type": FieldType.ENUM, "length": 1, "members": MEMBERS, "spelled": True}, "enum"),
    ({"type": FieldType.JSON, "length_bytes": 4, "json_text": True}, "json"),
]

Selected = tuple[TableMap, list[WireColumn]]


def selected(kinds: Sequence[tuple[dict[str, Any], str]]) -> Selected:
    """A table of columns of these kinds, and how they arrive."""
    columns = [Column(f"c{at}", **shape) for at, (shape, _) in enumerate(kinds)]
    wires = [wire_column(each, name) for each, (_, name) in zip(columns, kinds, strict=True)]
    return TableMap("shop", "things", tuple(columns), (0,), (0,), mariadb=False), wires


TABLES = st.lists(st.sampled_from(KINDS), min_size=1, max_size=18).map(selected)
NUMBERS = st.tuples(*(st.integers(0, most) for most in (12, 31, 23, 59, 59)))
YEARS = st.sampled_from([0, 1, 1969, 1970, 2024, 2038, 2106, 9999]) | st.integers(0, 9999)
MICROSECONDS = st.sampled_from([0, 1, 999_999]) | st.integers(0, 999_999)


@st.composite
def moments(draw: st.DrawFn, sizes: Sequence[int]) -> bytes:
    whole = struct.pack("<H5BI", draw(YEARS), *draw(NUMBERS), draw(MICROSECONDS))
    return whole[: draw(st.sampled_from(sizes))]


@st.composite
def timestamps(draw: st.DrawFn) -> bytes:
    day = draw(st.dates(date(1970, 1, 1), date(2106, 2, 6)))
    whole = struct.pack("<H5BI", *day.timetuple()[:3], *draw(NUMBERS)[2:], draw(MICROSECONDS))
    return whole[: draw(st.sampled_from((0, 4, 7, 11)))]


@st.composite
def times(draw: st.DrawFn) -> bytes:
    clock = draw(NUMBERS)[2:]
    parts = (draw(st.booleans()), draw(st.integers(0, 34)), *clock, draw(MICROSECONDS))
    return struct.pack("<BI3BI", *parts)[: draw(st.sampled_from((0, 8, 12)))]


@st.composite
def decimals(draw: st.DrawFn, precision: int, scale: int) -> bytes:
    number = draw(st.integers(0, 10**precision - 1) | st.just(10**precision - 1))
    digits = f"{number:0{scale + 1}}"
    text = f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits
    return f"{draw(st.sampled_from(['', '-', '00']))}{text}".encode()


def valid(column: WireColumn) -> st.SearchStrategy[bytes]:
    """The bytes of values that a server may send, without a length before them."""
    match column.packing:
        case None if column.size:
            return st.binary(min_size=column.size, max_size=column.size)
        case None:
            return st.binary(max_size=20)
        case Packing("year"):
            years = st.sampled_from([0, 1901, 2155]) | st.integers(1901, 2155)
            return years.map(lambda year: year.to_bytes(2, "little"))
        case Packing("date"):
            return moments((0, 4))
        case Packing("datetime"):
            return moments((0, 4, 7, 11))
        case Packing("timestamp"):
            return timestamps()
        case Packing("time"):
            return times()
        case Packing("decimal", precision, scale):
            return decimals(precision, scale)
        case Packing("uuid"):
            return st.uuids().map(lambda each: str(each).encode())
        case Packing("inet4"):
            return st.ip_addresses(v=4).map(lambda each: str(each).encode())
        case Packing("inet6"):
            return st.binary(min_size=16, max_size=16).map(
                lambda raw: socket.inet_ntop(socket.AF_INET6, raw).encode()
            )
    return st.binary(max_size=8).map(lambda raw: raw + b"\0\0")


@st.composite
def rows(draw: st.DrawFn, wires: Sequence[WireColumn], *, damaged: bool = False) -> bytes:
    values: list[bytes | None] = []
    for wire in wires:
        sound = valid(wire)
        anything = sound | moments((4, 7, 11)) | st.binary(max_size=13)
        value = draw(st.none() | (anything if damaged else sound))
        behind = value is not None and not wire.size
        values.append(behind_length(value) if behind and value is not None else value)
    return arrived(values)


@examples(150)
@given(st.data())
def test_images_are_those_of_generated_code(data: st.DataObject) -> None:
    table, wires = data.draw(TABLES)
    received = packets(data.draw(st.lists(rows(wires), max_size=4)), data.draw(st.integers(0, 1)))
    sizes = data.draw(st.lists(st.integers(1, 50), max_size=3))
    most = data.draw(st.sampled_from([1 << 62, 0, 40, 100]))

    assert_equal(table, wires, in_pieces(received, sizes), most)


@examples(150)
@given(st.data())
def test_damaged_rows_come_to_what_generated_code_makes_of_them(data: st.DataObject) -> None:
    table, wires = data.draw(TABLES)
    received = bytearray(packets(data.draw(st.lists(rows(wires, damaged=True), max_size=4))))
    for _ in range(data.draw(st.integers(0, 3))):
        received[data.draw(st.integers(0, len(received) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.sampled_from([len(received), data.draw(st.integers(0, len(received)))]))

    assert_equal(
        table, wires, in_pieces(bytes(received[:cut]), data.draw(st.just([30]) | st.just([])))
    )


@examples(100)
@given(st.data())
def test_any_bytes_come_to_what_generated_code_makes_of_them(data: st.DataObject) -> None:
    table, wires = data.draw(TABLES)

    assert_equal(table, wires, [data.draw(st.binary(min_size=1, max_size=80))])


@examples(150)
@given(st.data())
def test_it_leaves_no_row_that_a_server_may_send_to_python(data: st.DataObject) -> None:
    table, wires = data.draw(TABLES)
    sound = data.draw(st.lists(rows(wires), min_size=1, max_size=4))
    received = packets(sound)

    images = row_images(wires, NATIVE)
    assert images is not None
    found, count, last, at, number = images.read(received, 0, 0, len(received))

    assert count == len(sound)
    assert received[last:at] == sound[-1]
    assert received[at + 4 :] == END
    assert number == len(sound) << 24
    assert (found, count) == _by_definition(table, wires, received)


def _by_definition(
    table: TableMap, wires: Sequence[WireColumn], received: bytes
) -> tuple[bytes, int]:
    found = read(table, wires, [received])
    assert not isinstance(found, str)
    return found[0], found[1].count


TEXT = {"type": FieldType.BLOB, "length_bytes": 4, "collation": 255}


@pytest.mark.parametrize("length", [0, 250, 251, 255, 256, 65_535, 65_536, 70_000])
def test_values_of_every_length_are_read(length: int) -> None:
    _, wires = selected([(TEXT, "longtext")])
    received = packets([arrived([behind_length(b"x" * length)])])

    images = row_images(wires, NATIVE)
    assert images is not None
    found, count, *_ = images.read(received, 0, 0, len(received))

    assert (found, count) == (b"\xfe" + length.to_bytes(4, "little") + b"x" * length, 1)


def test_a_value_that_its_column_cannot_hold_is_left_to_python() -> None:
    table, wires = selected([({**TEXT, "length_bytes": 2}, "text")])
    received = packets([arrived([behind_length(b"x" * 70_000)])])

    images = row_images(wires, NATIVE)
    assert images is not None
    assert images.read(received, 0, 0, len(received)) == (b"", 0, 0, 0, 0)
    assert_equal(table, wires, [received])


@pytest.mark.parametrize("module", [None, NATIVE], ids=["python", "native"])
@pytest.mark.parametrize("spare", [b"x", b"", -1])
def test_a_row_that_does_not_end_with_its_last_column_is_damaged(
    module: Any, spare: bytes | int
) -> None:
    table, wires = selected([({"type": FieldType.LONG}, "int")])
    sound = arrived([bytes(4)])
    other = sound + spare if isinstance(spare, bytes) else sound[:spare]

    found = read(table, wires, [packets([sound, other, sound])], module=module)

    assert (found == "damaged") == (other != sound)


def test_rows_end_behind_the_one_that_exceeds_the_limit() -> None:
    _, wires = selected([({"type": FieldType.LONG}, "int")])
    received = packets([arrived([bytes(4)])] * 5)
    size = len(received) // 5

    images = row_images(wires, NATIVE)
    assert images is not None

    assert [images.read(received, 0, 0, most)[1] for most in (0, size - 2, 2 * size)] == [1, 1, 3]


def test_a_packet_of_another_number_ends_the_rows() -> None:
    _, wires = selected([({"type": FieldType.LONG}, "int")])
    received = packets([arrived([bytes(4)])], 255) + packets([arrived([bytes(4)])], 7)

    images = row_images(wires, NATIVE)
    assert images is not None

    assert images.read(received, 0, 255 << 24, len(received))[1:] == (1, 5, 10, 0)


GOOD = WireColumn("c", 4, 4)


@pytest.mark.parametrize(
    "columns",
    [
        [],
        [replace(GOOD, kept=5)],
        [replace(GOOD, size=0, kept=0, prefix=5)],
        [replace(GOOD, packing=Packing("unheard of"))],
        [replace(GOOD, packing=Packing("decimal", 1, 2))],
    ],
)
def test_a_layout_that_cannot_be_is_refused(columns: list[WireColumn]) -> None:
    assert row_images([GOOD], NATIVE)

    with pytest.raises(ValueError, match="no row"):
        row_images(columns, NATIVE)
