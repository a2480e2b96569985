"""Reads one row image column by column, with every check: the meaning of the generated code."""

from __future__ import annotations

import struct
from collections.abc import Callable

import bson

from cdc.errors import Corrupted, RecordError
from cdc.mapping import bson_bytes
from cdc.mapping.layout import ID, Layout, Leaf, Node
from cdc.mapping.types.encoder import Unrepresentable

Encoded = tuple[bytes, bytes]
"""A BSON value: its type byte and its bytes."""


class CheckedReader:
    """Reads rows that the generated code does not cover, and names what is wrong with them."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def row(self, images: bytes, start: int) -> tuple[int, bytes, bytes]:
        """Give the offset behind the image at `start`, its row's id and its document."""
        raws, end = self._raws(images, start)
        id_type, id_value = self._id(raws)

        def value(number: int) -> Encoded:
            return self._value(number, raws, id_type + id_value)

        fields = b"".join(_element(node, value) for node in self._layout.fields)
        content = id_type + ID.encode() + b"\0" + id_value + fields
        return end, id_type + id_value, bson_bytes.document(content)

    def key(self, images: bytes, start: int) -> tuple[int, bytes]:
        """Give the offset behind the image at `start`, and its row's id."""
        raws, end = self._raws(images, start)
        return end, b"".join(self._id(raws))

    def _raws(self, images: bytes, start: int) -> tuple[list[bytes | None], int]:
        """Give the bytes of each column, None for NULL."""
        at = start + self._layout.bitmap_size
        nulls = int.from_bytes(self._slice(images, start, at), "little")
        raws: list[bytes | None] = []
        for index, wire in enumerate(self._layout.wires):
            if nulls >> index & 1:
                raws.append(None)
                continue
            prefix = self._slice(images, at, at + wire.prefix)
            at += wire.prefix
            end = at + (int.from_bytes(prefix, "little") if wire.prefix else wire.size)
            raws.append(self._slice(images, at, end))
            at = end
        return raws, at

    def _slice(self, images: bytes, start: int, end: int) -> bytes:
        if end > len(images):
            raise Corrupted("a row image ends early", table=self._layout.table)
        return images[start:end]

    def _id(self, raws: list[bytes | None]) -> Encoded:
        return _value_of(self._layout.id, lambda number: self._id_value(number, raws))

    def _id_value(self, number: int, raws: list[bytes | None]) -> Encoded:
        bson_type, value = self._value(number, raws, b"")
        if bson_type == bson_bytes.NULL:
            column = self._layout.columns[self._layout.sources[number].column]
            raise RecordError(
                f"column `{column}` is part of the id, but holds NULL or no date of the calendar",
                table=self._layout.table,
            )
        return bson_type, value

    def _value(self, number: int, raws: list[bytes | None], row_id: bytes) -> Encoded:
        source = self._layout.sources[number]
        raw = raws[source.column]
        if raw is None:
            return source.null
        try:
            return source.encoder.convert(raw)
        except (Unrepresentable, ArithmeticError, LookupError, ValueError, struct.error) as error:
            column = self._layout.columns[source.column]
            reason = str(error) if isinstance(error, Unrepresentable) else type(error).__name__
            raise RecordError(
                f"column `{column}`{_of_row(row_id)} cannot be carried over: {reason}",
                table=self._layout.table,
            ) from error


def _of_row(row_id: bytes) -> str:
    if not row_id:
        return ""
    document = bson_bytes.document(row_id[:1] + ID.encode() + b"\0" + row_id[1:])
    return f" of the row with id {bson.decode(document)[ID]!r}"


def _element(node: Node, value: Callable[[int], Encoded]) -> bytes:
    bson_type, content = _value_of(node, value)
    return bson_type + node.name.encode() + b"\0" + content


def _value_of(node: Node, value: Callable[[int], Encoded]) -> Encoded:
    if isinstance(node, Leaf):
        return value(node.source)
    elements = b"".join(_element(child, value) for child in node.children)
    return bson_bytes.DOCUMENT, bson_bytes.document(elements)
