"""The generated functions of one layout, compiled when a NULL pattern first occurs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from cdc.errors import Corrupted
from cdc.mapping.codegen.generated import load
from cdc.mapping.counts import TableCounts
from cdc.mapping.layout.document import Layout
from cdc.mapping.transcode.reference_reader import Row
from cdc.mapping.transcode.reference_rows import ReferenceRows
from cdc.mapping.transcode.row_codegen import PatternCode
from cdc.model.operation import Operation
from cdc.model.transaction import RowsKind

Append = Callable[[Operation], None]
Rows = Callable[[bytes, int, Append, bytes], int]
"""Reads rows from an offset on; returns the offset behind the last row that it read.

The last argument is the commit time, a BSON date's bytes.
"""
ReadRow = Callable[[bytes, int], Row]
ReadGone = Callable[[bytes, int, bytes], Row]

Function = TypeVar("Function")
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

MAX_COLUMNS = 1 << 13
"""The most columns that all generated functions of a table may read together: bounds memory."""


class NullPatternFunctions:
    """A layout's functions by event kind and null bitmap."""

    def __init__(self, layout: Layout, counts: TableCounts) -> None:
        """Count each row that they do not cover in `counts`."""
        self._layout = layout
        self._counts = counts
        self.reference = ReferenceRows(layout)
        self._rows: dict[RowsKind, _ByPattern[Rows]] = {
            kind: _ByPattern(self._compile_rows(kind), self._reference_rows(kind), self._budget)
            for kind in RowsKind
        }
        self._row: _ByPattern[ReadRow] = _ByPattern(
            self._compile_row, self._counted(self.reference.row), self._budget
        )
        self._gone: _ByPattern[ReadGone] = _ByPattern(
            self._compile_gone, self.reference.gone, self._budget
        )

    def rows(self, kind: RowsKind) -> dict[bytes, Rows]:
        """Return the functions for events of `kind`; a missing pattern is compiled on access."""
        return self._rows[kind]

    def generated_source(self) -> str:
        """Return the source of the functions for rows without NULLs."""
        if self._layout.shard:
            return "# Without the native module, rows with a shard key are read step by step.\n"
        size = self._layout.bitmap_size
        spare = (1 << 8 * size) - (1 << len(self._layout.wires))
        code = PatternCode(self._layout, spare.to_bytes(size, "little"))
        functions = [code.rows(kind) for kind in RowsKind]
        if self._layout.deleted is not None:
            functions.append(code.gone())
        return "\n\n\n".join(functions) + "\n"

    @property
    def _budget(self) -> int:
        if self._layout.shard:
            return 0  # the reference reads them, and what the native module leaves
        return max(2, MAX_COLUMNS // len(self._layout.wires))

    def _read_row(self, images: bytes, at: int) -> Row:
        return self._row[images[at : at + self._layout.bitmap_size]](images, at)

    def _read_gone(self, images: bytes, at: int, now: bytes) -> Row:
        return self._gone[images[at : at + self._layout.bitmap_size]](images, at, now)

    def _compile_rows(self, kind: RowsKind) -> Callable[[bytes], Rows]:
        def compile_pattern(pattern: bytes) -> Rows:
            if int.from_bytes(self._whole(pattern), "little") & self._layout.never_null:
                return self._reference_rows(kind)  # which names what is wrong
            code = PatternCode(self._layout, pattern)
            rows: Rows = self._load(code.rows(kind), code, kind.value)
            return rows

        return compile_pattern

    def _compile_row(self, pattern: bytes) -> ReadRow:
        code = PatternCode(self._layout, self._whole(pattern))
        row: ReadRow = self._load(code.row(), code, "row")
        return row

    def _compile_gone(self, pattern: bytes) -> ReadGone:
        code = PatternCode(self._layout, self._whole(pattern))
        gone: ReadGone = self._load(code.gone(), code, "gone")
        return gone

    def _load(self, source: str, code: PatternCode, function: str) -> Any:
        names = code.names | {
            # in generated code, which cdc mapping explain prints, the reference is `checked`
            "checked_row": self.reference.row,
            "checked_key": self.reference.key,
            "checked_gone": self.reference.gone,
            "any_row": self._read_row,
            "any_gone": self._read_gone,
            "counts": self._counts,
            # 0.16 us an operation; the constructor of a NamedTuple is a Python function: 0.27 us.
            "new": tuple.__new__,
            "Operation": Operation,
        }
        return load(source, names, code.label(function))[function]

    def _whole(self, pattern: bytes) -> bytes:
        if len(pattern) < self._layout.bitmap_size:
            raise Corrupted("a row image ends early", table=self._layout.table)
        return pattern

    def _reference_rows(self, kind: RowsKind) -> Rows:
        """Read one row of `kind` without generated code."""
        read: Rows = getattr(self.reference, kind.value)
        return self._counted(read)

    def _counted(self, read: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        def read_slowly(*arguments: Arguments.args, **keywords: Arguments.kwargs) -> Result:
            self._counts.slow_rows += 1
            return read(*arguments, **keywords)

        return read_slowly


class _ByPattern(dict[bytes, Function]):
    """Functions by null bitmap; beyond `limit` patterns `otherwise` reads the rows."""

    def __init__(
        self, compile_pattern: Callable[[bytes], Function], otherwise: Function, limit: int
    ) -> None:
        super().__init__()
        self._compile = compile_pattern
        self._otherwise = otherwise
        self._limit = limit

    def __missing__(self, pattern: bytes) -> Function:
        if len(self) >= self._limit:
            return self._otherwise
        function = self[pattern] = self._compile(pattern)
        return function
