"""Writes the Python functions that transcode the rows of one NULL pattern.

A table has its own functions for each set of columns that are NULL together. The columns that
follow are then known, so headers, NULLs and most lengths are constants. A function loops while the
images begin with its pattern. A row that holds an unusual value (a zero date, a BIGINT above
2^63-1) raises in the straight-line code and is read again by `reference_reader`.

Generated code calls `p` the offset of an image and `q` the one behind it, `i` and `d` a row's id
and document, `b` the id before an update, `w` and `v` whether the filter is true after and before
it, and `now` the time of the commit. An empty `b` says that there was no id. `counts` has the rows
that are read again; an update counts by its after image, which needs all that the other does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cdc.mapping.codegen.emitter import Emitter
from cdc.mapping.layout.document import Layout, Node, leaves
from cdc.mapping.transcode.document_builder import DocumentBuilder
from cdc.mapping.transcode.row_reader import RowReaderCode
from cdc.mapping.types.encoder import UNUSUAL
from cdc.model.operation import OperationKind
from cdc.model.transaction import RowsKind


class PatternCode:
    """The functions of one NULL pattern of a layout.

    `pattern` is a null bitmap as it begins an image. Generated code sees as globals
    `checked_row`, `checked_key` and `checked_gone` (see `reference_reader`), `any_row` and
    `any_gone` (which read one row of any pattern), `counts`, `new` and `Operation`.
    """

    def __init__(self, layout: Layout, pattern: bytes) -> None:
        self._layout = layout
        self._pattern = pattern
        self._nulls = int.from_bytes(pattern, "little")
        self._filtered = layout.filter is not None
        self._kept = "w" if self._filtered else ""
        self.names: dict[str, object] = {"UNUSUAL": UNUSUAL}

    def row(self) -> str:
        """Return the source of `row(images, p)`.

        It returns (offset behind the row, whether it is kept, id, document).
        """
        code = self._function("row(images, p)")
        self._guarded(code, "q, w, i, d = checked_row(images, p)", self._row)
        code.line(f"return q, {'w' if self._filtered else 'True'}, i, d")
        return "\n".join(code.lines)

    def gone(self) -> str:
        """Return the source of `gone(images, p, now)`.

        It returns the same as `row`, for the document that stays when the row is gone.
        """
        code = self._function("gone(images, p, now)")
        self._guarded(code, "q, w, i, d = checked_gone(images, p, now)", self._gone, counts=False)
        code.line(f"return q, {'w' if self._filtered else 'True'}, i, d")
        return "\n".join(code.lines)

    def rows(self, kind: RowsKind) -> str:
        """Return the source of `<kind>(images, p, append, now)`.

        It returns the offset behind the last row with this pattern.
        """
        code = self._function(f"{kind.value}(images, p, append, now)")
        code.line(f"while {self._at_pattern('p')}:")
        code.depth += 1
        {
            RowsKind.INSERT: self._insert,
            RowsKind.UPDATE: self._update,
            RowsKind.DELETE: self._delete if self._layout.deleted is None else self._soft_delete,
        }[kind](code)
        code.line("p = q")
        code.depth -= 1
        code.line("return p")
        return "\n".join(code.lines)

    def label(self, function: str) -> str:
        """Return a label that distinguishes a function from those of other tables and patterns."""
        nulls = [f"c{at}" for at in range(len(self._layout.wires)) if self._nulls >> at & 1]
        return f"mapping of {self._layout.table}: {function}, NULL: {' '.join(nulls) or 'none'}"

    def _function(self, signature: str) -> Emitter:
        return Emitter(self.names, lines=[f"def {signature}:"])

    def _at_pattern(self, offset: str) -> str:
        return f"images[{offset}:{offset} + {len(self._pattern)}] == {self._pattern!r}"

    def _insert(self, code: Emitter) -> None:
        self._guarded(code, "q, w, i, d = checked_row(images, p)", self._row)
        self._append(code, OperationKind.INSERT, "i, d", when=self._kept)

    def _delete(self, code: Emitter) -> None:
        self._guarded(code, "q, v, b = checked_key(images, p)", self._key)
        self._append(code, OperationKind.DELETE, "b, b''", when="v" if self._filtered else "b")

    def _soft_delete(self, code: Emitter) -> None:
        self._guarded(code, "q, w, i, d = checked_gone(images, p, now)", self._gone)
        self._append(code, OperationKind.REPLACE, "i, d", when=self._kept)

    def _update(self, code: Emitter) -> None:
        self._guarded(code, "q, v, b = checked_key(images, p)", self._key, counts=False)
        if self._layout.deleted is not None:
            code.line("start = p")
        code.line("p = q")
        code.line(f"if {self._at_pattern('p')}:")
        code.depth += 1
        self._guarded(code, "q, w, i, d = checked_row(images, p)", self._row)
        code.depth -= 1
        code.line("else:")
        code.line("    q, w, i, d = any_row(images, p)")
        self._leave(code)
        self._append(code, OperationKind.REPLACE, "i, d", when=self._kept)

    def _leave(self, code: Emitter) -> None:
        """Remove the old document if the row no longer has one, or has another id."""
        code.line("if v and (not w or i != b):" if self._filtered else "if i != b and b:")
        code.depth += 1
        if self._layout.deleted is None:
            self._append(code, OperationKind.DELETE, "b, b''")
        else:
            self._append(code, OperationKind.REPLACE, "b, any_gone(images, start, now)[3]")
        code.depth -= 1

    def _append(self, code: Emitter, kind: OperationKind, content: str, *, when: str = "") -> None:
        condition = f"if {when}: " if when else ""
        name = code.bind(kind.name, kind)
        code.line(f"{condition}append(new(Operation, ({name}, {content})))")

    def _guarded(
        self, code: Emitter, otherwise: str, body: Callable[[Emitter], None], *, counts: bool = True
    ) -> None:
        code.line("try:")
        code.depth += 1
        body(code)
        code.depth -= 1
        code.line("except UNUSUAL:")
        if counts:
            code.line("    counts.slow_rows += 1")
        code.line(f"    {otherwise}")

    def _row(self, code: Emitter) -> None:
        self._document(code, self._layout.fields)

    def _gone(self, code: Emitter) -> None:
        self._document(code, self._layout.deleted or ())

    def _document(self, code: Emitter, fields: tuple[Node, ...]) -> None:
        """Emit `i` and `d`; if there is a filter, `w`, and empty ones unless it is true."""
        row = self._reader(code, leaves(self._layout.id, *fields), "c")
        if self._filtered:
            code.line("i = d = b''")
            row.keep("w")
            code.line("if w:")
            code.depth += 1
        assembler = DocumentBuilder(code, row.values())
        assembler.document(assembler.id(self._layout.id, "i"), fields, "d")
        code.depth -= self._filtered

    def _key(self, code: Emitter) -> None:
        """Emit `b`, the id; if there is a filter, `v`, and no id unless it is true."""
        row = self._reader(code, leaves(self._layout.id), "k")
        if self._filtered:
            row.keep("v")
            code.line("if v:")
            code.depth += 1
        DocumentBuilder(code, row.values()).id(self._layout.id, "b")
        code.depth -= self._filtered

    def _reader(self, code: Emitter, sources: Iterable[int], prefix: str) -> RowReaderCode:
        row = RowReaderCode(code, self._layout, self._nulls, sources=sources, prefix=prefix)
        row.read("p", len(self._pattern))
        return row
