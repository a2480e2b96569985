"""Tells the native module as data how a table's rows arrive, and what images hold of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cdc import native
from cdc.native import Native, RowImages
from cdc.readers.select.wire_values import Packing, WireColumn

_NO_PACKING: Final = Packing("")


def row_images(
    wire_columns: Sequence[WireColumn], module: Native | None = native.native
) -> RowImages | None:
    """Return the module's conversion of the rows; None without the module."""
    return None if module is None else module.RowImages([_told(each) for each in wire_columns])


def _told(column: WireColumn) -> native.WireColumn:
    packing = column.packing or _NO_PACKING
    shape = (column.size, column.kept, column.prefix, column.short)
    return *shape, packing.name, packing.a, packing.b
