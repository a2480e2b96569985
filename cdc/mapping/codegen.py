"""Writes the Python functions that transcode the rows of one NULL pattern.

For each set of columns that are NULL together a table gets its own functions: which columns
follow is then known, so that headers, NULLs and most lengths are constants. A function loops
while the images begin with its pattern. A row that holds an unusual value (a zero date, a BIGINT
above 2^63-1) raises in the straight-line code and is read again by `cdc.mapping.checked`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator

from cdc.changes import RowsKind
from cdc.mapping import bson_bytes
from cdc.mapping.assembly import Assembler
from cdc.mapping.emitter import Emitter, Size, Value
from cdc.mapping.image import ImageColumn, ImageReader
from cdc.mapping.layout import Layout, leaves
from cdc.mapping.types.encoder import Encoder, Raw
from cdc.operations import OperationKind

UNUSUAL = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError, struct.error)
"""What straight-line code raises for a row that it does not cover."""

NULL = Value(bson_bytes.NULL, (), Size(0))


class PatternCode:
    """The functions of one NULL pattern of a layout.

    `pattern` is a null bitmap as it begins an image. Generated code sees as globals
    `checked_row` and `checked_key` (see `cdc.mapping.checked`), `any_row` (reads one row of any
    pattern), `new` and `Operation`.
    """

    def __init__(self, layout: Layout, pattern: bytes) -> None:
        self._layout = layout
        self._pattern = pattern
        self._nulls = int.from_bytes(pattern, "little")
        self.names: dict[str, object] = {"UNUSUAL": UNUSUAL}

    def row(self) -> str:
        """`row(images, p)` → (offset behind, id, document) of one row."""
        code = self._function("row(images, p)")
        self._guarded(code, "q, i, d = checked_row(images, p)", self._row)
        code.line("return q, i, d")
        return "\n".join(code.lines)

    def rows(self, kind: RowsKind) -> str:
        """`<kind>(images, p, append)` → offset behind the last row with this pattern."""
        code = self._function(f"{kind.value}(images, p, append)")
        code.line(f"while {self._at_pattern('p')}:")
        code.depth += 1
        {
            RowsKind.INSERT: self._insert,
            RowsKind.UPDATE: self._update,
            RowsKind.DELETE: self._delete,
        }[kind](code)
        code.line("p = q")
        code.depth -= 1
        code.line("return p")
        return "\n".join(code.lines)

    def _function(self, signature: str) -> Emitter:
        return Emitter(self.names, lines=[f"def {signature}:"])

    def _at_pattern(self, offset: str) -> str:
        return f"images[{offset}:{offset} + {len(self._pattern)}] == {self._pattern!r}"

    def _insert(self, code: Emitter) -> None:
        self._guarded(code, "q, i, d = checked_row(images, p)", self._row)
        code.line(f"append(new(Operation, ({_name(code, OperationKind.INSERT)}, i, d)))")

    def _delete(self, code: Emitter) -> None:
        self._guarded(code, "q, b = checked_key(images, p)", self._key)
        code.line(f"append(new(Operation, ({_name(code, OperationKind.DELETE)}, b, b'')))")

    def _update(self, code: Emitter) -> None:
        self._guarded(code, "q, b = checked_key(images, p)", self._key)
        code.line("p = q")
        code.line(f"if {self._at_pattern('p')}:")
        code.depth += 1
        self._guarded(code, "q, i, d = checked_row(images, p)", self._row)
        code.depth -= 1
        code.line("else:")
        code.line("    q, i, d = any_row(images, p)")
        code.line("if i != b:")
        delete = _name(code, OperationKind.DELETE)
        code.line(f"    append(new(Operation, ({delete}, b, b'')))")
        code.line(f"append(new(Operation, ({_name(code, OperationKind.REPLACE)}, i, d)))")

    def _guarded(self, code: Emitter, otherwise: str, body: Callable[[Emitter], None]) -> None:
        code.line("try:")
        code.depth += 1
        body(code)
        code.depth -= 1
        code.line("except UNUSUAL:")
        code.line(f"    {otherwise}")

    def _row(self, code: Emitter) -> None:
        sources = [*leaves(self._layout.id)]
        for node in self._layout.fields:
            sources += leaves(node)
        values = self._read(code, sources, "c")
        assembler = Assembler(code, values)
        id_value = assembler.id(self._layout.id, "i")
        assembler.document(id_value, self._layout.fields, "d")

    def _key(self, code: Emitter) -> None:
        values = self._read(code, leaves(self._layout.id), "k")
        Assembler(code, values).id(self._layout.id, "b")

    def _read(self, code: Emitter, sources: Iterable[int], prefix: str) -> dict[int, Value]:
        """Emit the reads and the conversions; sets `q` behind the image."""
        encoders: dict[int, list[Encoder]] = {}
        wanted = dict.fromkeys(sources)
        for source in wanted:
            column = self._layout.sources[source].column
            encoders.setdefault(column, []).append(self._layout.sources[source].encoder)
        reader = ImageReader(code, base="p", offset=len(self._pattern), prefix=prefix)
        raws = reader.read(self._columns(encoders))
        code.line(f"q = {reader.end()}")
        return {source: self._value(code, source, encoders, raws) for source in wanted}

    def _columns(self, encoders: dict[int, list[Encoder]]) -> Iterator[ImageColumn]:
        for index, wire in enumerate(self._layout.wires):
            if self._nulls >> index & 1:
                continue
            needed = encoders.get(index, [])
            codes = None if not needed else needed[0].codes if len(needed) == 1 else ""
            yield ImageColumn(index, wire, codes)

    def _value(
        self, code: Emitter, number: int, encoders: dict[int, list[Encoder]], raws: dict[int, Raw]
    ) -> Value:
        source = self._layout.sources[number]
        if self._nulls >> source.column & 1:
            if source.column in self._layout.id_columns:
                code.line("raise ValueError")
            bson_type, value = source.null
            return Value(bson_type, (value,), Size(len(value)))
        raw = raws[source.column]
        if len(encoders[source.column]) == 1:
            return source.encoder.emit(code, raw)
        alias = Raw((f"{raw.name}_{number}",), raw.length, raw.max_length)
        code.line(f"{alias.name} = {raw.name}")
        return Encoder.emit(source.encoder, code, alias)


def _name(code: Emitter, kind: OperationKind) -> str:
    return code.bind(kind.name, kind)
