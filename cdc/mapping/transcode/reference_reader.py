"""Reads one row image column by column, with every check: the reference for generated code."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

import bson

from cdc.errors import Corrupted, RecordError
from cdc.mapping import bson_bytes
from cdc.mapping.layout.document import ID, Layout, Leaf, Node, leaves
from cdc.mapping.layout.sources import ABSENT, Computed, Constant, Encoded, FromColumn, Input
from cdc.mapping.types.encoder import Unrepresentable
from cdc.model.any_time import ANY_TIME

FAILURES = (ArithmeticError, LookupError, TypeError, ValueError, struct.error)
"""The errors of a value that cannot be mapped; TypeError for NULL in a column that has none."""

Row = tuple[int, bool, bytes, bytes]
"""The offset behind a row's image, whether it is kept, its id and its document."""


class ImageError(RecordError):
    """The row whose image begins at `image_at` cannot be carried over."""

    image_at: int = 0


class ReferenceReader:
    """Reads rows that generated code does not cover, and names what is wrong with them."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def row(self, images: bytes, start: int) -> Row:
        """Read the row whose image is at `start`."""
        return self._whole(_Image(self._layout, images, start), self._layout.fields)

    def gone(self, images: bytes, start: int, now: bytes) -> Row:
        """Return what remains of the row's document when the row is gone."""
        assert self._layout.deleted is not None
        return self._whole(_Image(self._layout, images, start, now), self._layout.deleted)

    def key(self, images: bytes, start: int) -> tuple[int, bool, bytes]:
        """Return the offset behind the image, whether its row may have had a document, and its id.

        The row no longer exists, so its errors do not stop the stream. Without an id it had no
        document, nor without a place; if the filter fails on it, it may have had one. But NULL in a
        column that is NOT NULL is damage: it raises RecordError, or a document would be left.
        """
        image = _Image(self._layout, images, start)
        image.require_key()
        try:
            if not image.may_be_kept():
                return image.end, False, b""
            found = image.end, True, b"".join(image.id())
            image.place()
            return found
        except RecordError:
            return image.end, False, b""

    def row_id(self, images: bytes, start: int) -> bytes:
        """Return the id of the row whose image is at `start`, kept or not."""
        return b"".join(_Image(self._layout, images, start).id())

    def place(self, images: bytes, start: int) -> bytes:
        """Return the document of the row's `_id` and shard key; empty without a shard key."""
        return _Image(self._layout, images, start).place()

    def end(self, images: bytes, start: int) -> int:
        """Return the offset behind the image."""
        return _Image(self._layout, images, start).end

    def rest(self, images: bytes, start: int, fields: Sequence[Node]) -> bytes:
        """Return the document of a row that cannot be mapped, without the fields that fail."""
        image = _Image(self._layout, images, start)
        return image.document(fields, image.value_or_nothing)

    @staticmethod
    def _whole(image: _Image, fields: Sequence[Node]) -> Row:
        if not image.kept():
            return image.end, False, b"", b""
        row_id = b"".join(image.id())
        image.place()
        return image.end, True, row_id, image.document(fields, image.value)


class _Image:
    """One row image, split into columns; `now` is a date's bytes."""

    def __init__(self, layout: Layout, images: bytes, start: int, now: bytes = bytes(8)) -> None:
        self._layout = layout
        self._images = images
        self._start = start
        self._now = now
        self._ids = frozenset(leaves(layout.id))
        self._shard = frozenset(leaves(*layout.shard))
        self._row_id = b""
        self._raws, self.end = self._read()

    def require_key(self) -> None:
        """Raise RecordError for NULL in a column of the id."""
        wrong = self._nulls & self._layout.never_null
        if wrong:
            name = self._layout.columns[wrong.bit_length() - 1]
            what = f"`{name}` is part of the id and NOT NULL, but holds NULL"
            raise self._error(what, name, needed="id")

    def kept(self) -> bool:
        """Whether the filter is true of the row."""
        found = self._layout.filter
        if found is None:
            return True
        try:
            return found.is_true(self._decoded(found.inputs))
        except FAILURES as error:
            raise self._error("`where`", "where", error) from None

    def may_be_kept(self) -> bool:
        """Whether the filter is true of the row, or fails on it."""
        try:
            return self.kept()
        except RecordError:
            return True

    def id(self) -> Encoded:
        """Return the row's `_id`."""
        found = _value_of(self._layout.id, self.value)
        self._row_id = b"".join(found)
        return found

    def place(self) -> bytes:
        """Return the document of `_id` and the shard key's fields; empty without these."""
        shard = self._layout.shard
        return self.document(shard, self.value) if shard else b""

    def document(self, fields: Sequence[Node], value: Callable[[int], Encoded]) -> bytes:
        """Return the document of `fields`."""
        nodes = (self._layout.id, *fields)
        return bson_bytes.document(b"".join(_element(node, value) for node in nodes))

    def value(self, number: int) -> Encoded:
        """Return the value of a source."""
        source = self._layout.sources[number]
        name = self._name(number)
        try:
            found = self._convert(number)
        except FAILURES as error:
            what = f"column `{name}`" if isinstance(source, FromColumn) else f"`{name}`"
            # The cause is not chained: its text may hold the value.
            raise self._error(what, name, error) from None
        needed = "id" if number in self._ids else "shard key" if number in self._shard else ""
        if needed and found[0] in (b"", bson_bytes.NULL):
            raise self._error(
                f"`{name}` is part of the {needed}, but holds NULL or no date of the calendar",
                name,
                needed=needed,
            )
        return found

    def value_or_nothing(self, number: int) -> Encoded:
        """Return the value of a source; ABSENT for one that fails."""
        try:
            return self.value(number)
        except RecordError:
            return ABSENT

    def _name(self, number: int) -> str:
        source = self._layout.sources[number]
        if isinstance(source, FromColumn):
            return self._layout.columns[source.column]
        return source.name if isinstance(source, Computed) else ""

    def _convert(self, number: int) -> Encoded:
        source = self._layout.sources[number]
        if isinstance(source, FromColumn):
            raw = self._raws[source.column]
            return source.null if raw is None else source.encoder.convert(raw)
        if isinstance(source, Computed):
            return source.value(self._decoded(source.inputs))
        if isinstance(source, Constant):
            return source.value
        return bson_bytes.DATE, self._now

    def _decoded(self, inputs: Sequence[Input]) -> tuple[object, ...]:
        raws = ((each, self._raws[each.column]) for each in inputs)
        return tuple(None if raw is None else each.decode(raw) for each, raw in raws)

    def _read(self) -> tuple[list[bytes | None], int]:
        """Return the bytes of each column, None for NULL, and the offset behind them."""
        at = self._start + self._layout.bitmap_size
        nulls = int.from_bytes(self._slice(self._start, at), "little")
        self._nulls = nulls
        raws: list[bytes | None] = []
        for index, wire in enumerate(self._layout.wires):
            if nulls >> index & 1:
                raws.append(None)
                continue
            prefix = self._slice(at, at + wire.prefix)
            at += wire.prefix
            end = at + (int.from_bytes(prefix, "little") if wire.prefix else wire.size)
            raws.append(self._slice(at, end))
            at = end
        return raws, at

    def _slice(self, start: int, end: int) -> bytes:
        if end > len(self._images):
            raise Corrupted("a row image ends early", table=self._layout.table)
        return self._images[start:end]

    def _error(
        self, what: str, column: str, error: Exception | None = None, *, needed: str = ""
    ) -> ImageError:
        reason = str(error) if isinstance(error, Unrepresentable) else type(error).__name__
        text = f"{what}{self._of_row()} cannot be carried over: {reason}" if error else what
        found = ImageError(
            text,
            table=self._layout.table,
            column=column,
            reason=reason if error else f"NULL in the {needed}",
            row_id=self._row_id,
        )
        found.image_at = self._start
        return found

    def _of_row(self) -> str:
        if not self._row_id or self._layout.id_is_private:
            return ""
        document = bson_bytes.document(self._row_id[:1] + ID.encode() + b"\0" + self._row_id[1:])
        return f" of the row with id {bson.decode(document, ANY_TIME)[ID]!r}"


def _element(node: Node, value: Callable[[int], Encoded]) -> bytes:
    bson_type, content = _value_of(node, value)
    return bson_type + node.name.encode() + b"\0" + content if bson_type else b""


def _value_of(node: Node, value: Callable[[int], Encoded]) -> Encoded:
    if isinstance(node, Leaf):
        return value(node.source)
    elements = b"".join(_element(child, value) for child in node.children)
    return (bson_bytes.DOCUMENT, bson_bytes.document(elements)) if elements else ABSENT
