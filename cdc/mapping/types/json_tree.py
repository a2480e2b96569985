"""Reads MySQL's binary JSON as values that can be changed, and writes it again.

Only the containers on the path of a change are split; everything else is copied as it is. Format:
see `cdc.mapping.types.json`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cdc.mapping.types.json import (
    DOUBLE,
    INT16,
    INT32,
    INT64,
    LARGE_ARRAY,
    LARGE_OBJECT,
    LITERAL,
    OPAQUE,
    STRING,
    UINT16,
    UINT32,
    UINT64,
    length_at,
)

SMALL_LIMIT = 0xFFFF
"""The largest count, offset and size of a small container."""

INLINE_SIZES = {LITERAL: 1, INT16: 2, UINT16: 2}
"""The bytes of values that stand in their entry; in large containers also INT32 and UINT32."""
SIZES = {INT32: 4, UINT32: 4, INT64: 8, UINT64: 8, DOUBLE: 8}


class BadJson(ValueError):
    """Bytes that are no JSON value, or a change that does not fit the value."""


@dataclass(frozen=True, slots=True)
class Value:
    """A JSON value: its type and the bytes behind the type byte."""

    kind: int
    data: bytes

    @property
    def is_object(self) -> bool:
        """Whether it has members."""
        return self.kind <= LARGE_OBJECT

    @property
    def is_array(self) -> bool:
        """Whether it has cells."""
        return LARGE_OBJECT < self.kind <= LARGE_ARRAY


Member = tuple[bytes, Value]
"""A member of an object; of an array a cell, whose name is empty."""


def parse(data: bytes) -> Value:
    """Parse the value of a JSON column; raises BadJson."""
    if not data:
        return Value(LITERAL, b"\0")  # see `cdc.mapping.types.json.transcode`
    return _at(data, data[0], 1)


def members(value: Value) -> list[Member]:
    """Return the members of a container, in order; raises BadJson, also for a scalar."""
    if value.kind > LARGE_ARRAY:
        raise BadJson("a JSON value that is no container has no members")
    try:
        return _bounded(_members(value), len(value.data))
    except (IndexError, struct.error) as error:
        raise BadJson("a JSON container ends early") from error


def container(kind: int, items: Sequence[Member]) -> Value:
    """Build an object or array, by `kind`, of members in their order."""
    named = kind <= LARGE_OBJECT
    found = _written(items, named=named, large=False)
    if found is None:
        found = _written(items, named=named, large=True)
        assert found is not None
        return Value(1 if named else LARGE_ARRAY, found)
    return Value(0 if named else 2, found)


def serialized(value: Value) -> bytes:
    """Return the bytes of a JSON column."""
    return bytes((value.kind,)) + value.data


def _at(data: bytes, kind: int, at: int) -> Value:
    """Return the value that begins at an offset."""
    end = at + _size(data, kind, at)
    if end > len(data):
        raise BadJson("a JSON value ends early")
    return Value(kind, data[at:end])


def _size(data: bytes, kind: int, at: int) -> int:
    try:
        if kind <= LARGE_ARRAY:
            code = "<II" if kind & 1 else "<HH"
            return int(struct.unpack_from(code, data, at)[1])
        if kind == STRING:
            length, start = length_at(data, at)
            return start - at + length
        if kind == OPAQUE:
            length, start = length_at(data, at + 1)
            return start - at + length
    except (IndexError, struct.error, ValueError) as error:
        raise BadJson("a JSON value ends early") from error
    size = INLINE_SIZES.get(kind) or SIZES.get(kind)
    if size is None:
        raise BadJson("not a JSON type")
    return size


def _members(value: Value) -> Iterator[Member]:
    data, large = value.data, value.kind & 1
    code, width = ("I", 4) if large else ("H", 2)
    (count,) = struct.unpack_from("<" + code, data)
    entries = 2 * width
    for index in range(count):
        name = b""
        if value.is_object:
            offset, length = struct.unpack_from(f"<{code}H", data, entries + index * (width + 2))
            name = data[offset : offset + length]
            if len(name) != length:
                raise BadJson("a JSON key ends early")
        at = entries + count * (width + 2) * value.is_object + index * (width + 1)
        kind = data[at]
        inline = kind in INLINE_SIZES or (large and kind in (INT32, UINT32))
        start = at + 1 if inline else struct.unpack_from("<" + code, data, at + 1)[0]
        yield name, _at(data, kind, start)


def _bounded(found: Iterator[Member], limit: int) -> list[Member]:
    """Collect members; they are no larger than their container unless offsets overlap."""
    collected, size = [], 0
    for name, value in found:
        size += len(name) + len(value.data)
        if size > limit:
            raise BadJson("JSON offsets overlap")
        collected.append((name, value))
    return collected


def _written(items: Sequence[Member], *, named: bool, large: bool) -> bytes | None:
    """Return a container's bytes; None if a small one cannot hold them."""
    code, width = ("I", 4) if large else ("H", 2)
    at = 2 * width + len(items) * (width + 1 + (width + 2) * named)
    keys: list[tuple[int, int]] = []
    for name, _ in items if named else ():
        keys.append((at, len(name)))
        at += len(name)
    values: list[tuple[int, int | bytes]] = []
    behind: list[bytes] = []
    for _, value in items:
        if value.kind in INLINE_SIZES or (large and value.kind in (INT32, UINT32)):
            values.append((value.kind, value.data.ljust(width, b"\0")))
            continue
        values.append((value.kind, at))
        behind.append(value.data)
        at += len(value.data)
    if not large and max(at, len(items)) > SMALL_LIMIT:
        return None
    header = struct.pack(f"<2{code}", len(items), at)
    key_entries = [struct.pack(f"<{code}H", *key) for key in keys]
    names = [name for name, _ in items if named]
    entries = [_entry(kind, where, code) for kind, where in values]
    return b"".join((header, *key_entries, *entries, *names, *behind))


def _entry(kind: int, where: int | bytes, code: str) -> bytes:
    """Return a value entry: the value's type, and its offset or the value itself."""
    if isinstance(where, bytes):
        return bytes((kind,)) + where
    return struct.pack(f"<B{code}", kind, where)
