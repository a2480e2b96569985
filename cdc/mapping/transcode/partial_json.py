"""Completes updates that log changes within JSON values: builds their whole after images.

Format: `pack_row` in MySQL's `sql/rpl_record.cc`. The after image of each row of a
PARTIAL_UPDATE_ROWS event begins with the length-encoded `binlog_row_value_options`. If its lowest
bit is set, a bitmap follows: it has a bit for each JSON column of the table, set if the image holds
changes instead of a value. Then come the null bitmap and the columns, as always.
"""

from __future__ import annotations

from cdc.errors import Corrupted, RefusedEvent
from cdc.mapping.transcode.partial_image import require_full
from cdc.mapping.types.encoder import Wire
from cdc.mapping.types.json_diff import patched
from cdc.mapping.types.json_tree import BadJson
from cdc.mapping.types.registry import Unsupported, wire
from cdc.model.table_map import FieldType, TableMap
from cdc.model.transaction import RowsEvent

PARTIAL_JSON = 1
LENGTH_BYTES = 4
"""The bytes of the length before the changes of a value, and before a JSON value."""

Raw = bytes | None
"""A column's bytes in an image, its length prefix included; None for NULL."""


def completed(event: RowsEvent) -> RowsEvent:
    """Return the ordinary update that a partial one stands for.

    Raises Corrupted for damaged images, RefusedEvent for images that lack columns and for columns
    of an unknown type.
    """
    require_full(event)
    return event._replace(images=_Images(event.table, event.images).completed())


class _Images:
    """The images of one event, read from `_at` on."""

    def __init__(self, table: TableMap, images: bytes) -> None:
        self._name = table.name
        self._images = images
        self._at = 0
        self._wires = [_wire(table, index) for index in range(len(table.columns))]
        self._json = [
            index for index, column in enumerate(table.columns) if column.type is FieldType.JSON
        ]
        self._bitmap_size = (len(self._wires) + 7) // 8

    def completed(self) -> bytes:
        whole: list[bytes] = []
        while self._at < len(self._images):
            start = self._at
            before = self._columns(frozenset())
            whole.append(self._images[start : self._at])
            whole.append(self._after(before))
        return b"".join(whole)

    def _after(self, before: list[Raw]) -> bytes:
        """Read an after image; return it with the changes applied to the before image."""
        partial = self._partial()
        bitmap = self._images[self._at : self._at + self._bitmap_size]
        after = self._columns(partial)
        for index in partial:
            after[index] = self._patched(before[index], after[index])
        return bitmap + b"".join(raw for raw in after if raw is not None)

    def _partial(self) -> frozenset[int]:
        """Read the numbers of the columns that hold changes."""
        options = self._taken(1)[0]
        if options & ~PARTIAL_JSON:
            raise Corrupted(f"row value options {options} are not known", table=self._name)
        if not options:
            return frozenset()
        bits = int.from_bytes(self._taken((len(self._json) + 7) // 8), "little")
        return frozenset(index for at, index in enumerate(self._json) if bits >> at & 1)

    def _columns(self, partial: frozenset[int]) -> list[Raw]:
        nulls = int.from_bytes(self._taken(self._bitmap_size), "little")
        return [
            None if nulls >> index & 1 else self._column(index in partial, each)
            for index, each in enumerate(self._wires)
        ]

    def _column(self, partial: bool, shape: Wire) -> bytes:
        prefix = LENGTH_BYTES if partial else shape.prefix
        if not prefix:
            return self._taken(shape.size)
        length = self._taken(prefix)
        return length + self._taken(int.from_bytes(length, "little"))

    def _patched(self, before: Raw, changes: Raw) -> bytes:
        if before is None or changes is None:
            raise Corrupted("an update changes a part of a JSON value of NULL", table=self._name)
        try:
            value = patched(before[LENGTH_BYTES:], changes[LENGTH_BYTES:])
        except BadJson as error:
            raise Corrupted(f"a partial JSON update: {error}", table=self._name) from error
        return len(value).to_bytes(LENGTH_BYTES, "little") + value

    def _taken(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._images):
            raise Corrupted("a row image ends early", table=self._name)
        taken, self._at = self._images[self._at : end], end
        return taken


def _wire(table: TableMap, index: int) -> Wire:
    column = table.columns[index]
    try:
        return wire(column)
    except Unsupported as error:
        raise RefusedEvent(f"column `{column.name}`: {error}", table=table.name) from error
