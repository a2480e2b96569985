"""Each native function beside the Python that says what is right: the two must not differ."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import Any, Final

from cdc.mapping.types import json, json_text
from cdc.mapping.types.json import Encoded
from cdc.mapping.types.registry import wire
from cdc.model.position import FilePosition, GtidPosition, GtidSet, MariadbGtids, Position
from cdc.model.table_map import Column
from cdc.model.transaction import RowsKind
from cdc.readers.select.wire_values import TYPED_TEXT, Packing, WireColumn, wire_column
from tests.support.event_streams import in_pieces, packets
from tests.unit.mapping.support.binary_json import encode
from tests.unit.mapping.support.random_columns import SHAPES
from tests.unit.mapping.support.row_images import event, image, plan, table, varchar
from tests.unit.native.support import selecting
from tests.unit.native.support.definition import by_definition
from tests.unit.native.support.mapped import assert_equal
from tests.unit.native.support.module import NATIVE
from tests.unit.native.support.reading import laid_out, read
from tests.unit.native.support.selecting import UNLIMITED
from tests.unit.readers.binlog.support import binlog_bytes as binlog

START: Final[tuple[Position, ...]] = (
    GtidPosition(GtidSet()),
    GtidPosition(MariadbGtids()),
    FilePosition("binlog.000001", 4),
)


def binary_json(data: bytes) -> None:
    """Transcode MySQL's binary JSON."""
    _same_or_nothing(NATIVE.transcode_json, json.transcode, data)


def text_json(data: bytes) -> None:
    """Encode JSON text."""
    _same_or_nothing(NATIVE.encode_json_text, json_text._step_by_step, data)


def transactions(data: bytes) -> None:
    """Read packets: the first byte chooses a position and how they arrive, the rest are packets.

    Checksums are off: no fuzzer finds one.
    """
    if not data:
        return
    start, pieces = START[data[0] % len(START)], [data[0]] * (data[0] & 0x80 > 0)
    received = in_pieces(data[1:], pieces)
    without = read(received, start, checksum=False, native=None)
    assert read(received, start, checksum=False, native=NATIVE) == without


ALL_KINDS: Final = table(*(Column(f"c{at}", **shape) for at, shape in enumerate(SHAPES)))
PLANS: Final = (plan(ALL_KINDS), plan(ALL_KINDS, nulls="omit", on_delete={"set": {"gone": "$now"}}))


def rows(data: bytes) -> None:
    """Map rows of a table with columns of all kinds: the first byte chooses what became of them.

    Behind it are the row images.
    """
    if not data:
        return
    kind = tuple(RowsKind)[data[0] % len(RowsKind)]
    assert_equal(PLANS[data[0] >> 7], event(ALL_KINDS, data[1:], kind=kind))


SELECTED: Final = [
    *(wire_column(each, "any") for each in ALL_KINDS.columns),
    *(WireColumn("c", prefix=1, short=True, packing=Packing(each)) for each in sorted(TYPED_TEXT)),
]
SELECTED_KINDS: Final = table(*ALL_KINDS.columns[1:], *[varchar("address")] * len(TYPED_TEXT))


def selected_rows(data: bytes) -> None:
    """Read the rows of a SELECT: the first byte chooses how they arrive, the rest are packets."""
    if not data:
        return
    pieces, most = [data[0]] * (data[0] & 0x80 > 0), UNLIMITED if data[0] & 1 else 4 * data[0]
    selecting.assert_equal(SELECTED_KINDS, SELECTED, in_pieces(data[1:], pieces), most)


def json_seeds() -> Iterable[bytes]:
    """Return MySQL's binary JSON."""
    return [encode({"a": [1, -1, 1 << 40, 1.5, "x" * 200, None, True], "b": {"c": []}})]


def text_seeds() -> Iterable[bytes]:
    """Return JSON text."""
    return ['{"a": [1, -2.5e3, "\\u00fcü\\n", null, true, false, {"b": []}]}'.encode()]


def row_seeds() -> Iterable[bytes]:
    """Return rows of each kind of change."""
    return [bytes((first,)) + 2 * each for first in _FIRST_BYTES for each in images()]


def selected_seeds() -> Iterable[bytes]:
    """Return rows of a SELECT."""
    return [b"\1" + selecting.packets([each, each]) for each in _arrived()]


def transaction_seeds() -> Iterable[bytes]:
    """Return packets of each kind of source."""
    return [bytes((at,)) + packets(_events(start)) for at, start in enumerate(START)]


def _same_or_nothing(
    native: Callable[[bytes], Any], definition: Callable[[bytes], Encoded], data: bytes
) -> None:
    assert native(data) in (None, by_definition(definition, data))


def _events(start: Position) -> list[bytes]:
    mariadb = start == START[1]
    rows = [binlog.table_map(1), binlog.write_rows(1, 5), binlog.xid()]
    return laid_out(
        [
            each
            for number in range(1, 4)
            for each in (
                [binlog.mariadb_gtid(number), *rows]
                if mariadb
                else [binlog.gtid(number), binlog.query("BEGIN"), *rows]
            )
        ],
        checksum=False,
        zero_inside=mariadb,
    )


_FIRST_BYTES: Final = (0, 1, 2, 128, 129, 130)


def images() -> list[bytes]:
    """Return images of zeros, of NULLs, and of each value alone."""
    zeros = [bytes(shape.size or shape.prefix) for shape in map(wire, ALL_KINDS.columns)]
    nulls: list[bytes | None] = [zeros[0]] + [None] * (len(zeros) - 1)
    alone = [[*nulls[:at], zeros[at], *nulls[at + 1 :]] for at in range(1, len(zeros))]
    return [image(*zeros), image(*nulls), *(image(*each) for each in alone)]


def _arrived() -> list[bytes]:
    """Return rows of empty values, of NULLs, and of a value of each column alone."""
    empty: list[bytes | None] = [bytes(each.size or 1) for each in SELECTED]
    nulls: list[bytes | None] = [None] * len(SELECTED)
    alone: list[list[bytes | None]] = [
        [*nulls[:at], value, *nulls[at + 1 :]]
        for at, column in enumerate(SELECTED)
        for value in _values(column)
    ]
    return [selecting.arrived(each) for each in (empty, nulls, *alone)]


def _values(column: WireColumn) -> list[bytes]:
    if column.size:
        return [bytes(column.size), b"\xe8\x07\0\0\0\0\0\0"[: column.size]]
    texts = [b"-0012.50", b"00000000-0000-1000-8000-00000000ab00", b"10.0.0.1", b"2001:db8::1"]
    texts += [struct.pack("<H5BI", 2024, 2, 29, 23, 59, 58, 999_999)[:size] for size in (4, 7, 11)]
    texts += [struct.pack("<BI3BI", 1, 34, 22, 59, 59, 999_999)[:size] for size in (8, 12)]
    return [selecting.behind_length(each) for each in texts]
