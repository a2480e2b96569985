"""Generates functions that turn a SELECT's row into the row image that the binlog would hold.

A table has one function for each set of columns that are NULL together, as mappings do. Bytes that
are copied as they arrived are sliced in one piece across columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cdc.mapping.bson_bytes import LENGTHS, pack_int32
from cdc.mapping.codegen.emitter import Emitter
from cdc.mapping.codegen.generated import load
from cdc.model.table_map import TableMap
from cdc.readers.select.prepared import Convert, Uneven, bitmap_size
from cdc.readers.select.wire_values import WireColumn, packer
from cdc.readers.server.varint import packed

MAX_COLUMNS: Final = 1 << 13
"""The most columns that all generated functions of a table may read together: bounds memory."""

_OFFSET_BITS: Final = 2
"""The meaningless bits at the start of a row's null bitmap; an image's has none."""

_LENGTH_FIELDS: Final = {
    size: tuple(length[:size] for length in LENGTHS[:256]) for size in (1, 2, 3, 4)
}


class RowImages(dict[bytes, Convert]):
    """Functions by a row's null bitmap, compiled when a bitmap first occurs."""

    def __init__(self, table: TableMap, wire_columns: Sequence[WireColumn]) -> None:
        """`wire_columns` describe how each column of `table` arrives."""
        super().__init__()
        self._table = table
        self._wire_columns = tuple(wire_columns)
        self._limit = max(2, MAX_COLUMNS // len(self._wire_columns))

    def __missing__(self, bitmap: bytes) -> Convert:
        if len(self) >= self._limit:
            self.clear()
        convert = self[bitmap] = self._compile(bitmap)
        return convert

    def _compile(self, bitmap: bytes) -> Convert:
        declarations = [column.declaration for column in self._table.columns]
        code = _ImageCode(self._wire_columns, declarations, bitmap)
        label = f"SELECT of {self._table.name}, NULL: {' '.join(code.nulls()) or 'none'}"
        convert: Convert = load(code.source(), code.names, label)["convert"]
        return convert


class _ImageCode:
    """The function of one null bitmap.

    `_base` is the variable of an offset that is known when the row is read, and `_offset` what to
    add to it. `_copied` is the expression of the start of bytes that are copied, but not yet a
    part.
    """

    def __init__(
        self, wire_columns: tuple[WireColumn, ...], declarations: Sequence[str], bitmap: bytes
    ) -> None:
        self._wire_columns = wire_columns
        self._declarations = declarations
        self._nulls = int.from_bytes(bitmap, "little") >> _OFFSET_BITS
        self.names: dict[str, object] = {}
        self._code = Emitter(self.names, lines=["def convert(d, p, e, take):"])
        self._base, self._offset = "p", bitmap_size(len(wire_columns))
        self._copied: str | None = None
        self._parts: list[str] = [repr(self._image_bitmap())]

    def source(self) -> str:
        """Return the function as text."""
        for index, wire_column in enumerate(self._wire_columns):
            if not self._nulls >> index & 1:
                with self._code.about(f"c{index} {self._declarations[index]}"):
                    self._column(index, wire_column)
        self._cut()
        self._code.line(f"if {self._here} != e: raise {self._code.bind('Uneven', Uneven)}")
        self._code.line(f"take(({', '.join(self._parts)},))")
        return "\n".join(self._code.lines)

    def nulls(self) -> list[str]:
        """Return the columns that are NULL."""
        return [f"c{at}" for at in range(len(self._wire_columns)) if self._nulls >> at & 1]

    def _image_bitmap(self) -> bytes:
        count = len(self._wire_columns)
        unused = -1 << count  # servers set the bits behind the last column
        return ((self._nulls | unused) & ((1 << (count + 7) // 8 * 8) - 1)).to_bytes(
            (count + 7) // 8, "little"
        )

    @property
    def _here(self) -> str:
        return f"{self._base} + {self._offset}" if self._offset else self._base

    def _column(self, index: int, wire_column: WireColumn) -> None:
        if wire_column.size and wire_column.packing is None:
            self._copy(wire_column.kept)
            if wire_column.kept < wire_column.size:
                self._cut()
                self._offset += wire_column.size - wire_column.kept
        elif wire_column.size:
            self._cut()
            self._packed(index, wire_column, self._here, f"{self._here} + {wire_column.size}")
            self._offset += wire_column.size
        else:
            self._with_length(index, wire_column)

    def _copy(self, size: int) -> None:
        if self._copied is None:
            self._copied = self._here
        self._offset += size

    def _cut(self) -> None:
        """End the bytes that are copied in one piece."""
        if self._copied is not None:
            self._parts.append(f"d[{self._copied}:{self._here}]")
        self._copied = None

    def _with_length(self, index: int, wire_column: WireColumn) -> None:
        if wire_column.packing is None and wire_column.short and wire_column.prefix == 1:
            self._copy(1)  # the length is the same byte
            self._end(index, f"{self._here} + d[{self._here} - 1]")
            return
        self._cut()
        start, end = self._length(index, wire_column)
        if wire_column.packing is not None:
            self._packed(index, wire_column, start, end)
            self._base, self._offset = end, 0
        else:
            self._copied = start
            self._base, self._offset = end, 0

    def _end(self, index: int, expression: str) -> None:
        end = f"q_c{index}"
        self._code.line(f"{end} = {expression}")
        self._base, self._offset = end, 0

    def _length(self, index: int, wire_column: WireColumn) -> tuple[str, str]:
        """Read a length and add the image's length field; return the variables of start and end."""
        n, s, q, h = (f"{letter}_c{index}" for letter in "nsqh")
        self._code.line(f"{n} = d[{self._here}]")
        self._code.line(f"{s} = {self._here} + 1")
        field = wire_column.prefix if wire_column.packing is None else 0
        if wire_column.short:
            if field:
                lengths = self._code.bind(f"LENGTHS_{field}", _LENGTH_FIELDS[field])
                self._parts.append(f"{lengths}[{n}]")
        else:
            self._any_length(n, s, h, field)
            if field:
                self._parts.append(h)
        self._code.line(f"{q} = {s} + {n}")
        return s, q

    def _any_length(self, n: str, s: str, h: str, field: int) -> None:
        """Read a length of any size, from its first byte on; the length field is for `h`."""
        code = self._code
        code.line(f"if {n} > 250:")
        code.line(f"    if {n} == 252:")
        if field:
            zeros = f" + {bytes(field - 2)!r}" if field > 2 else ""
            code.line(f"        {h} = d[{s}:{s} + {min(field, 2)}]{zeros}")
        code.line(f"        {n} = d[{s}] | d[{s} + 1] << 8; {s} += 2")
        code.line("    else:")
        code.line(f"        {n}, {s} = {code.bind('longer', packed)}(d, {s} - 1)")
        if field:
            pack = code.bind("pack_int32", pack_int32)
            code.line(f"        {h} = {pack}({n})[:{field}]")
            lengths = code.bind(f"LENGTHS_{field}", _LENGTH_FIELDS[field])
            code.line(f"else: {h} = {lengths}[{n}]")

    def _packed(self, index: int, wire_column: WireColumn, start: str, end: str) -> None:
        assert wire_column.packing is not None
        pack = self._code.bind(f"pack_{index}", packer(wire_column.packing))
        self._code.line(f"v_c{index} = {pack}(d[{start}:{end}])")
        if wire_column.prefix:
            lengths = self._code.bind(
                f"LENGTHS_{wire_column.prefix}", _LENGTH_FIELDS[wire_column.prefix]
            )
            self._parts.append(f"{lengths}[len(v_c{index})]")
        self._parts.append(f"v_c{index}")
