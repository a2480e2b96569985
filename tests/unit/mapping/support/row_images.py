"""Row images and rows events, built by hand as the format says."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import bson

from cdc.mapping.compile.compiler import compile_plan
from cdc.mapping.compile.plan import Plan
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.transcode.changed_rows import ChangedRows
from cdc.model.operation import Operation
from cdc.model.table_map import Column, FieldType, TableMap
from cdc.model.transaction import RowsEvent, RowsKind

ID = Column("id", FieldType.LONGLONG, nullable=False)
UTF8MB4 = 255


def table(*columns: Column, mariadb: bool = False) -> TableMap:
    """`shop.things` with the primary key `id` before `columns`."""
    return TableMap("shop", "things", (ID, *columns), (0,), (0,), mariadb)


def varchar(name: str, *, collation: int = UTF8MB4, length: int = 255) -> Column:
    return Column(name, FieldType.VARCHAR, length=length, collation=collation)


def image(*values: bytes | None) -> bytes:
    """A row image of column values in their wire form, None for NULL."""
    bits = (1 << 8 * ((len(values) + 7) // 8)) - (1 << len(values))
    for index, value in enumerate(values):
        bits |= (value is None) << index
    bitmap = bits.to_bytes((len(values) + 7) // 8, "little")
    return bitmap + b"".join(value for value in values if value is not None)


def row(number: int, *values: bytes | None) -> bytes:
    """A row image of `table`."""
    return image(struct.pack("<q", number), *values)


def prefixed(data: bytes, size: int = 1) -> bytes:
    return len(data).to_bytes(size, "little") + data


def event(
    columns: TableMap, *images: bytes, kind: RowsKind = RowsKind.INSERT, present: bytes = b""
) -> RowsEvent:
    everything = b"\xff" * ((len(columns.columns) + 7) // 8)
    return RowsEvent(columns, kind, present or everything, everything, b"".join(images))


MASK_KEY = b"a key for the tests"
COMMITTED_AT = 1_700_000_000.123456


def plan(columns: TableMap, **mapping: Any) -> Plan:
    rule = Mapping(source=columns.name, target="things", **mapping).bind(mask_key=MASK_KEY)
    return compile_plan(rule, columns)


def in_python(mapped: Plan) -> Plan:
    """The plan that leaves no row to the native module."""
    changed = ChangedRows(mapped.layout, mapped._changed_rows._needed, None)
    return replace(mapped, _native=None, _changed_rows=changed)


def operations(
    columns: TableMap, *images: bytes, kind: RowsKind = RowsKind.INSERT, **mapping: Any
) -> list[Operation]:
    return plan(columns, **mapping).operations(event(columns, *images, kind=kind), COMMITTED_AT)


def documents(columns: TableMap, *images: bytes, **mapping: Any) -> list[dict[str, Any]]:
    return [bson.decode(one.document) for one in operations(columns, *images, **mapping)]


def values(column: Column, *raws: bytes | None, **field: Any) -> Sequence[Any]:
    """What each wire value of `column` becomes."""
    fields = {"value": {"column": column.name, **field}}
    images = [row(at, raw) for at, raw in enumerate(raws)]
    return [one["value"] for one in documents(table(column), *images, fields=fields)]
