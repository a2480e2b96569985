"""TABLE_MAP events: a table's columns as the event itself describes them.

Format: `Table_map_event` in MySQL's `libs/mysql/binlog/event/rows_event.h`, optional metadata
included. MariaDB writes the same, with types of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import repeat
from typing import Final

from cdc.columns import Column, FieldType, TableMap
from cdc.errors import Corrupted, RefusedEvent
from cdc.readers.events import HEADER_SIZE, Event
from cdc.readers.varint import packed

VAR_STRING: Final = 253
PAYLOAD_AT: Final = HEADER_SIZE + 6
"""Where an event's bytes stop depending on the table id."""
CACHED_DEFINITIONS: Final = 2_000

BINARY_COLLATION: Final = 63

_NUMERIC = frozenset(
    {
        FieldType.TINY,
        FieldType.SHORT,
        FieldType.INT24,
        FieldType.LONG,
        FieldType.LONGLONG,
        FieldType.NEWDECIMAL,
        FieldType.FLOAT,
        FieldType.DOUBLE,
        FieldType.YEAR,
    }
)
_TEXTUAL = frozenset(
    {
        FieldType.STRING,
        FieldType.VARCHAR,
        FieldType.BLOB,
        FieldType.MARIADB_BLOB_COMPRESSED,
        FieldType.MARIADB_VARCHAR_COMPRESSED,
    }
)
_LENGTH_PREFIXED = frozenset(
    {
        FieldType.BLOB,
        FieldType.JSON,
        FieldType.GEOMETRY,
        FieldType.VECTOR,
        FieldType.MARIADB_BLOB_COMPRESSED,
    }
)
_TEMPORAL = frozenset({FieldType.TIMESTAMP2, FieldType.DATETIME2, FieldType.TIME2})
_UNMEASURED = frozenset({FieldType.TIMESTAMP, FieldType.DATETIME, FieldType.TIME})
"""Types whose size MariaDB's table maps do not tell: its own fractions share MySQL's numbers."""
_FLOATING = frozenset({FieldType.FLOAT, FieldType.DOUBLE})
_ENUMERATED = frozenset({FieldType.ENUM, FieldType.SET})


class _Optional(IntEnum):
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


Decode = Callable[[bytes, int], str]
"""Bytes of a collation (by its id) to text."""


@dataclass(slots=True)
class TableMapCache:
    """The followed tables' definitions, parsed once for each different payload.

    The table id is no part of the payload: FLUSH TABLES changes it, the definition stays.
    """

    follows: Callable[[str, str], bool]
    decode: Decode
    mariadb: bool
    _parsed: dict[bytes, TableMap | None] = field(default_factory=dict)

    def lookup(self, event: Event) -> TableMap | None:
        """Return the event's table, one object a definition; None for one not followed."""
        payload = event.data[PAYLOAD_AT:]
        try:
            return self._parsed[payload]
        except KeyError:
            if len(self._parsed) >= CACHED_DEFINITIONS:
                self._parsed.pop(next(iter(self._parsed)))
            table = self._parsed[payload] = self._parse(payload)
            return table

    def _parse(self, payload: bytes) -> TableMap | None:
        try:
            schema, table, at = names(payload)
            if not self.follows(schema, table):
                return None
            return _parse(payload, at, schema, table, decode=self.decode, mariadb=self.mariadb)
        except (IndexError, KeyError, UnicodeDecodeError, StopIteration) as error:
            raise Corrupted(f"a table map cannot be read: {error!r}") from error


def table_id(event: Event) -> bytes:
    """Return the number, as it stands, by which the rows events that follow name this table."""
    return event.data[HEADER_SIZE:PAYLOAD_AT]


def names(payload: bytes) -> tuple[str, str, int]:
    """Return schema, table and the offset after them."""
    schema_end = 3 + payload[2]
    table_at = schema_end + 2
    table_end = table_at + payload[schema_end + 1]
    schema = payload[3:schema_end].decode("utf-8")
    return schema, payload[table_at:table_end].decode("utf-8"), table_end + 1


def _parse(
    payload: bytes, at: int, schema: str, table: str, *, decode: Decode, mariadb: bool
) -> TableMap:
    count, at = packed(payload, at)
    types = payload[at : at + count]
    size, at = packed(payload, at + count)
    metadata = payload[at : at + size]
    at += size
    nulls = payload[at : at + (count + 7) // 8]
    optional = _optional(payload, at + len(nulls))
    if _Optional.COLUMN_NAME not in optional:
        raise RefusedEvent(
            "the table map does not name its columns: it was written without full row metadata",
            table=f"{schema}.{table}",
            remedy="SET GLOBAL binlog_row_metadata = FULL; then resync the table",
        )
    if mariadb and not _UNMEASURED.isdisjoint(types):
        raise RefusedEvent(
            "a TIME, DATETIME or TIMESTAMP column is stored as MariaDB before 10.1 did, and the"
            " binlog does not tell how many digits of the seconds it holds",
            table=f"{schema}.{table}",
            remedy=f"SET GLOBAL mysql56_temporal_format = ON; ALTER TABLE {schema}.{table} FORCE;"
            " then resync the table",
        )
    shapes = _shapes(types, metadata, f"{schema}.{table}")
    described = _describe(shapes, optional, decode, nulls, mariadb=mariadb)
    keys = _primary_key(optional)
    return TableMap(
        schema,
        table,
        tuple(described),
        tuple(index for index, _ in keys),
        tuple(prefix for _, prefix in keys),
        mariadb,
    )


def _optional(payload: bytes, at: int) -> dict[int, bytes]:
    found = {}
    while at < len(payload):
        kind = payload[at]
        size, at = packed(payload, at + 1)
        found[kind] = payload[at : at + size]
        at += size
    return found


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a column's type byte and type metadata tell."""

    type: FieldType
    length: int = 0
    length_bytes: int = 0
    precision: int = 0
    scale: int = 0
    bits: int = 0


def _shapes(types: bytes, metadata: bytes, table: str) -> list[_Shape]:
    shapes, at = [], 0
    for code in types:
        shape, at = _shape(code, metadata, at, table)
        shapes.append(shape)
    return shapes


def _shape(code: int, metadata: bytes, at: int, table: str) -> tuple[_Shape, int]:
    if code in (FieldType.STRING, FieldType.ENUM, FieldType.SET):
        return _string_shape(metadata[at], metadata[at + 1]), at + 2
    try:
        kind = FieldType.VARCHAR if code == VAR_STRING else FieldType(code)
    except ValueError:
        raise RefusedEvent(f"column type {code} is not known to cdc", table=table) from None
    if kind in (FieldType.VARCHAR, FieldType.MARIADB_VARCHAR_COMPRESSED):
        length = metadata[at] | metadata[at + 1] << 8
        return _Shape(kind, length=length, length_bytes=2 if length > 255 else 1), at + 2
    if kind is FieldType.NEWDECIMAL:
        return _Shape(kind, precision=metadata[at], scale=metadata[at + 1]), at + 2
    if kind is FieldType.BIT:
        return _Shape(kind, bits=metadata[at] + 8 * metadata[at + 1]), at + 2
    if kind in _LENGTH_PREFIXED:
        return _Shape(kind, length_bytes=metadata[at]), at + 1
    if kind in _TEMPORAL:
        return _Shape(kind, scale=metadata[at]), at + 1
    return _Shape(kind), at + (kind in _FLOATING)


def _string_shape(first: int, second: int) -> _Shape:
    """Undo the packing of CHAR, ENUM and SET: `Field_string::do_save_field_metadata`."""
    if first & 0x30 != 0x30:
        length = second | ((first & 0x30) ^ 0x30) << 4
        kind = FieldType(first | 0x30)
    else:
        length, kind = second, FieldType(first)
    if kind in _ENUMERATED:
        return _Shape(kind, length=length)
    return _Shape(kind, length=length, length_bytes=2 if length > 255 else 1)


def _describe(
    shapes: list[_Shape],
    optional: dict[int, bytes],
    decode: Decode,
    nulls: bytes,
    *,
    mariadb: bool,
) -> list[Column]:
    column_names = _strings(optional[_Optional.COLUMN_NAME])
    unsigned = _bits(optional.get(_Optional.SIGNEDNESS, b""))
    text_collations = _collations(optional, _Optional.DEFAULT_CHARSET, _Optional.COLUMN_CHARSET)
    enumerated_collations = _collations(
        optional, _Optional.ENUMERATED_DEFAULT_CHARSET, _Optional.ENUMERATED_COLUMN_CHARSET
    )
    members = {
        FieldType.ENUM: _members(optional.get(_Optional.ENUM_MEMBERS, b"")),
        FieldType.SET: _members(optional.get(_Optional.SET_MEMBERS, b"")),
    }
    geometries = _integers(optional.get(_Optional.GEOMETRY_TYPE, b""))
    dimensions = _integers(optional.get(_Optional.VECTOR_DIMENSION, b""))
    visibility = optional.get(_Optional.VISIBILITY)
    visible = _bits(visibility) if visibility is not None else repeat(True)
    columns = []
    for index, shape in enumerate(shapes):
        kind = shape.type
        collation: int | None = None
        if kind in _TEXTUAL:
            collation = next(text_collations)
        elif kind is (FieldType.GEOMETRY if mariadb else FieldType.VECTOR):
            next(text_collations)  # a binary string in this server's eyes, listed among the texts
        elif kind in _ENUMERATED:
            collation = next(enumerated_collations)
        names_of_members = next(members[kind]) if kind in _ENUMERATED else ()
        column = Column(
            name=next(column_names).decode("utf-8"),
            type=kind,
            nullable=bool(nulls[index >> 3] & 1 << (index & 7)),
            unsigned=next(unsigned) if kind in _NUMERIC else False,
            length=shape.length,
            length_bytes=shape.length_bytes,
            precision=shape.precision,
            scale=shape.scale,
            bits=shape.bits,
            collation=collation,
            members=tuple([decode(raw, collation or BINARY_COLLATION) for raw in names_of_members]),
            geometry=next(geometries) if kind is FieldType.GEOMETRY else None,
            dimension=next(dimensions) if kind is FieldType.VECTOR else None,
            visible=next(visible),
        )
        columns.append(column)
    return columns


def _bits(data: bytes) -> Iterator[bool]:
    """Yield the bits of a bitmap that is packed from the highest bit on."""
    return (bool(byte & 0x80 >> bit) for byte in data for bit in range(8))


def _integers(data: bytes) -> Iterator[int]:
    at = 0
    while at < len(data):
        value, at = packed(data, at)
        yield value


def _strings(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        size, at = packed(data, at)
        yield data[at : at + size]
        at += size


def _members(data: bytes) -> Iterator[tuple[bytes, ...]]:
    at = 0
    while at < len(data):
        count, at = packed(data, at)
        found = []
        for _ in range(count):
            size, at = packed(data, at)
            found.append(data[at : at + size])
            at += size
        yield tuple(found)


def _collations(optional: dict[int, bytes], default: int, each: int) -> Iterator[int]:
    """Yield the collation of each column that has one: listed, or a default with exceptions."""
    if each in optional:
        yield from _integers(optional[each])
        return
    numbers = _integers(optional.get(default, b""))
    usual = next(numbers, BINARY_COLLATION)
    exceptions = dict(zip(numbers, numbers, strict=True))
    index = 0
    while True:
        yield exceptions.get(index, usual)
        index += 1


def _primary_key(optional: dict[int, bytes]) -> list[tuple[int, int]]:
    if _Optional.PRIMARY_KEY_WITH_PREFIX in optional:
        numbers = _integers(optional[_Optional.PRIMARY_KEY_WITH_PREFIX])
        return list(zip(numbers, numbers, strict=True))
    simple = optional.get(_Optional.SIMPLE_PRIMARY_KEY, b"")
    return [(index, 0) for index in _integers(simple)]
