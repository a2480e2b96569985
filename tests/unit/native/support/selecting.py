"""Reads the rows of a SELECT from packets, with the native module and without."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any, cast

import pymysql

from cdc.errors import CdcError
from cdc.model.table_map import TableMap
from cdc.readers.select.native_images import row_images
from cdc.readers.select.prepared import Rows, _Channel, bitmap_size
from cdc.readers.select.row_images import RowImages
from cdc.readers.select.wire_values import WireColumn
from tests.unit.native.support.module import NATIVE

UNLIMITED = 1 << 62
END = b"\xfe\0\0\2\0"

Outcome = tuple[bytes, Rows] | str


def arrived(values: Sequence[bytes | None]) -> bytes:
    """A row of values in the form in which they arrive, None for NULL."""
    nulls = sum(1 << at + 2 for at, value in enumerate(values) if value is None)
    bitmap = nulls.to_bytes(bitmap_size(len(values)), "little")
    return bitmap + b"".join(value for value in values if value is not None)


def behind_length(value: bytes) -> bytes:
    """A value behind its length, as the server sends it."""
    size = len(value)
    if size <= 250:
        return bytes((size,)) + value
    if size < 1 << 16:
        return b"\xfc" + size.to_bytes(2, "little") + value
    return b"\xfd" + size.to_bytes(3, "little") + value


def packets(rows: Iterable[bytes], first: int = 0) -> bytes:
    """The packets of rows, and of the end behind them."""
    payloads = [*(b"\0" + row for row in rows), END]
    return b"".join(
        len(payload).to_bytes(3, "little") + bytes((number % 256,)) + payload
        for number, payload in zip(count(first), payloads, strict=False)
    )


def read(
    table: TableMap,
    wire_columns: Sequence[WireColumn],
    received: Sequence[bytes],
    *,
    most: int = UNLIMITED,
    module: Any = None,
) -> Outcome:
    """The row images and the rows, or what is wrong with them."""
    channel = _Channel(cast(Any, _Connection(received)))
    images, bitmap = RowImages(table, wire_columns), bitmap_size(len(wire_columns))
    parts: list[bytes] = []
    try:
        rows = channel.rows(images, parts.extend, bitmap, most, row_images(wire_columns, module))
    except (CdcError, pymysql.MySQLError) as error:
        return f"{type(error).__name__}: {error}"
    except (ArithmeticError, LookupError, ValueError, struct.error):
        return "damaged"
    return b"".join(parts), rows


def assert_equal(
    table: TableMap,
    wire_columns: Sequence[WireColumn],
    received: Sequence[bytes],
    most: int = UNLIMITED,
) -> None:
    by_definition = read(table, wire_columns, received, most=most)
    assert read(table, wire_columns, received, most=most, module=NATIVE) == by_definition


class _Connection:
    """A connection on which everything has arrived already, and that ends then."""

    def __init__(self, received: Sequence[bytes]) -> None:
        self._received = iter(received)
        self.raw_socket = self

    def recv(self, _: int) -> bytes:
        return next(self._received, b"")
