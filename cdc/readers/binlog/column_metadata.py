"""A table map's optional metadata: each field is a list of the columns it counts.

Format: `Table_map_event::Optional_metadata_field_type` in MySQL's
`libs/mysql/binlog/event/rows_event.h`. Damaged metadata raises IndexError, KeyError or ValueError.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from itertools import repeat

from cdc.readers.server.varint import packed


class Metadata(IntEnum):
    """The optional metadata's field numbers."""

    SIGNEDNESS = 1
    DEFAULT_CHARSET = 2
    COLUMN_CHARSET = 3
    COLUMN_NAME = 4
    SET_MEMBERS = 5
    ENUM_MEMBERS = 6
    GEOMETRY_TYPE = 7
    SIMPLE_PRIMARY_KEY = 8
    PRIMARY_KEY_WITH_PREFIX = 9
    ENUMERATED_DEFAULT_CHARSET = 10
    ENUMERATED_COLUMN_CHARSET = 11
    VISIBILITY = 12
    VECTOR_DIMENSION = 13


Fields = dict[int, bytes]
"""The fields of a table map's metadata, by number."""


def fields(payload: bytes, at: int) -> Fields:
    """Read the metadata that begins at an offset, up to the end."""
    found: Fields = {}
    while at < len(payload):
        kind = payload[at]
        if kind in found:
            raise ValueError(f"it has field {kind} twice")
        found[kind], at = _sized(payload, at + 1)
    return found


def bits(data: bytes) -> Iterator[bool]:
    """Yield the bits of a bitmap that is packed from the highest bit on."""
    return (bool(byte & 0x80 >> bit) for byte in data for bit in range(8))


def integers(data: bytes) -> Iterator[int]:
    """Yield integers that stand back to back."""
    at = 0
    while at < len(data):
        value, at = packed(data, at)
        yield value


def strings(data: bytes) -> Iterator[bytes]:
    """Yield strings that stand back to back, each behind its length."""
    at = 0
    while at < len(data):
        text, at = _sized(data, at)
        yield text


def members(data: bytes) -> Iterator[tuple[bytes, ...]]:
    """Yield the members of each ENUM, or of each SET."""
    at = 0
    while at < len(data):
        count, at = packed(data, at)
        found = []
        for _ in range(count):
            member, at = _sized(data, at)
            found.append(member)
        yield tuple(found)


def collations(found: Fields, default: Metadata, each: Metadata) -> Iterator[int]:
    """Yield the collation of each column that has one: listed, or a default with exceptions.

    There is none where no column has one. Else a text would be taken for bytes.
    """
    if each in found:
        yield from integers(found[each])
        return
    if default not in found:
        return
    numbers = list(integers(found[default]))
    usual, exceptions = numbers[0], dict(zip(numbers[1::2], numbers[2::2], strict=True))
    index = 0
    while exceptions:
        yield exceptions.pop(index, usual)
        index += 1
    yield from repeat(usual)


def primary_key(found: Fields, columns: int) -> list[tuple[int, int]]:
    """Return (number, prefix length) of each column of the primary key; 0 is the whole column."""
    if Metadata.PRIMARY_KEY_WITH_PREFIX in found:
        numbers = list(integers(found[Metadata.PRIMARY_KEY_WITH_PREFIX]))
        key = list(zip(numbers[::2], numbers[1::2], strict=True))
    else:
        key = [(index, 0) for index in integers(found.get(Metadata.SIMPLE_PRIMARY_KEY, b""))]
    if any(index >= columns for index, _ in key):
        raise ValueError("the primary key has a column that the table has not")
    if len(dict(key)) < len(key):
        raise ValueError("the primary key has a column twice")
    return key


def _sized(data: bytes, at: int) -> tuple[bytes, int]:
    """Read bytes behind their length; return them and the offset behind them."""
    size, at = packed(data, at)
    end = at + size
    if end > len(data):
        raise IndexError("it ends early")
    return data[at:end], end
