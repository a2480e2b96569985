"""Processes each kind of rows event with every check, one row at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cdc.errors import RecordError
from cdc.mapping.layout.document import Layout
from cdc.mapping.transcode.reference_reader import ReferenceReader
from cdc.model.operation import Operation, OperationKind
from cdc.model.transaction import RowsKind

Append = Callable[[Operation], None]


class ReferenceRows(ReferenceReader):
    """Reads one row of an event; the reference for generated functions."""

    def insert(self, images: bytes, at: int, append: Append, _: bytes) -> int:
        """Read an inserted row; return the offset behind it."""
        end, kept, row_id, document = self.row(images, at)
        if kept:
            append(Operation(OperationKind.INSERT, row_id, document))
        return end

    def update(self, images: bytes, at: int, append: Append, now: bytes) -> int:
        """Read an updated row, its before and after image; return the offset behind it."""
        middle, had, before = self.key(images, at)
        end, kept, row_id, document = self.row(images, middle)
        if had and (not kept or before != row_id or self._moves(images, at, middle)):
            append(self.leaving(images, at, before, now))
        if kept:
            append(Operation(OperationKind.REPLACE, row_id, document))
        return end

    def delete(self, images: bytes, at: int, append: Append, now: bytes) -> int:
        """Read a deleted row; return the offset behind it."""
        end, had, before = self.key(images, at)
        if had:
            append(self.leaving(images, at, before, now))
        return end

    def leaving(self, images: bytes, at: int, row_id: bytes, now: bytes) -> Operation:
        """Return the operation that removes the document of the row whose image is at `at`."""
        if self._layout.deleted is None:
            return Operation(OperationKind.DELETE, row_id, self.place(images, at))
        return Operation(OperationKind.REPLACE, row_id, self.gone(images, at, now)[3])

    def _moves(self, images: bytes, at: int, middle: int) -> bool:
        """Return whether the values of the shard key differ in two images of a row."""
        return self.place(images, at) != self.place(images, middle)

    def failed(self, kind: RowsKind, images: bytes, at: int, image_at: int) -> FailedImages:
        """Find the row that the image at `image_at` belongs to; rows begin at `at`."""
        while True:
            middle = self.end(images, at)
            end = self.end(images, middle) if kind is RowsKind.UPDATE else middle
            if end > image_at:
                return FailedImages(self, self._layout, kind, images, at, middle, end)
            at = end


@dataclass(frozen=True, slots=True)
class FailedImages:
    """The images of a row that cannot be mapped, from `start` to `end`."""

    reader: ReferenceRows
    layout: Layout
    kind: RowsKind
    images: bytes
    start: int
    middle: int
    end: int

    def document(self) -> bytes:
        """Return what can be mapped of the row: as it is now or, if deleted, as it was."""
        at = self.middle if self.kind is RowsKind.UPDATE else self.start
        return self.reader.rest(self.images, at, self.layout.fields)

    def remaining(self, now: bytes) -> list[Operation]:
        """Return the operations that remain: an update removes the document of an old id.

        A later repair reads the row by its new id, and does not know the old one. So it is with the
        shard key's values.
        """
        if self.kind is not RowsKind.UPDATE:
            return []
        try:
            _, had, before = self.reader.key(self.images, self.start)
            if not had or (before == self.id() and not self._leaves_its_place()):
                return []
            return [self.reader.leaving(self.images, self.start, before, now)]
        except RecordError:
            return []

    def _leaves_its_place(self) -> bool:
        """Return whether the values of the shard key change, or are none."""
        before = self.reader.place(self.images, self.start)
        try:
            return before != self.reader.place(self.images, self.middle)
        except RecordError:
            return True

    def id(self) -> bytes:
        """Return the id of the document that cannot be written; empty if it is unknown."""
        at = self.middle if self.kind is RowsKind.UPDATE else self.start
        try:
            return self.reader.row_id(self.images, at)
        except RecordError:
            return b""
