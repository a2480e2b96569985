"""TABLE_MAP events: a table's columns as the event itself describes them.

Format: `Table_map_event` in MySQL's `libs/mysql/binlog/event/rows_event.h`, optional metadata
included. MariaDB writes the same, with types of its own.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Final

from cdc.errors import Corrupted, RefusedEvent
from cdc.model.table_map import BINARY_COLLATION, Column, FieldType, TableMap
from cdc.model.table_name import full_name, sql_name
from cdc.readers.binlog import column_metadata as metadata
from cdc.readers.binlog.column_metadata import Fields, Metadata
from cdc.readers.binlog.column_types import Shape, shapes
from cdc.readers.binlog.events import HEADER_SIZE, Event
from cdc.readers.binlog.signedness import unsigned, years_have_bits
from cdc.readers.server.varint import packed

PAYLOAD_AT: Final = HEADER_SIZE + 6
"""The offset of the bytes that no longer depend on the table id."""
CACHED_DEFINITIONS: Final = 2_000

_TEXTUAL = frozenset(
    {
        FieldType.STRING,
        FieldType.VARCHAR,
        FieldType.BLOB,
        FieldType.MARIADB_BLOB_COMPRESSED,
        FieldType.MARIADB_VARCHAR_COMPRESSED,
    }
)
_UNMEASURED = frozenset({FieldType.TIMESTAMP, FieldType.DATETIME, FieldType.TIME})
"""Types whose size MariaDB's table maps omit: its own fractions share MySQL's numbers."""
_ENUMERATED = frozenset({FieldType.ENUM, FieldType.SET})
_HASH = re.compile(r"DB_ROW_HASH_[0-9]+")
"""The column that MariaDB adds for a unique key on long values (`add_hash_field`)."""

Decode = Callable[[bytes, int], str]
"""Decodes bytes of a collation (by its id) to text."""


@dataclass(slots=True)
class TableMapCache:
    """The followed tables' definitions, parsed once per distinct payload.

    The table id is no part of the payload: FLUSH TABLES changes it, but not the definition.
    """

    follows: Callable[[str, str], bool]
    decode: Decode
    mariadb: bool
    years_have_bits: bool | None = True
    _parsed: dict[bytes, TableMap | None] = field(default_factory=dict)

    def written_by(self, server_version: str) -> None:
        """Note the version of the server that wrote the events that follow."""
        years = self.mariadb or years_have_bits(server_version)
        if years != self.years_have_bits:
            self.years_have_bits = years
            self._parsed.clear()

    def known(self, payload: bytes) -> TableMap | None:
        """Return the table of a payload that was looked up before; KeyError if none was."""
        return self._parsed[payload]

    def lookup(self, event: Event) -> TableMap | None:
        """Return the event's table, one object per definition; None if it is not followed."""
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
            return _parse(
                payload,
                at,
                schema,
                table,
                decode=self.decode,
                mariadb=self.mariadb,
                years=self.years_have_bits,
            )
        except (LookupError, ValueError, StopIteration, struct.error) as error:
            raise Corrupted(f"a table map cannot be read: {error!r}") from error


def table_id(event: Event) -> bytes:
    """Return the id, as it stands, by which the following rows events refer to this table."""
    return event.data[HEADER_SIZE:PAYLOAD_AT]


def names(payload: bytes) -> tuple[str, str, int]:
    """Return schema, table and the offset after them; each is behind its length, and before NUL.

    Raises ValueError otherwise: rows of a table of another name would be left out.
    """
    schema_end = 3 + payload[2]
    table_at = schema_end + 2
    table_end = table_at + payload[schema_end + 1]
    schema, table = payload[3 : schema_end + 1], payload[table_at : table_end + 1]
    if not (_is_name(schema) and _is_name(table)):
        raise ValueError("a name does not end where its length says")
    return schema[:-1].decode("utf-8"), table[:-1].decode("utf-8"), table_end + 1


def _is_name(data: bytes) -> bool:
    """Return whether the only NUL is at the end, which is there."""
    return data.find(b"\0") == len(data) - 1 >= 0


def _parse(
    payload: bytes,
    at: int,
    schema: str,
    table: str,
    *,
    decode: Decode,
    mariadb: bool,
    years: bool | None,
) -> TableMap:
    count, at = packed(payload, at)
    types = payload[at : at + count]
    size, at = packed(payload, at + count)
    nulls_at = at + size
    optional_at = nulls_at + (count + 7) // 8
    if optional_at > len(payload):
        raise IndexError("it ends early")
    optional = metadata.fields(payload, optional_at)
    if Metadata.COLUMN_NAME not in optional:
        raise RefusedEvent(
            "the table map does not name its columns: it was written without full row metadata",
            table=full_name(schema, table),
            remedy="run on the source: SET GLOBAL binlog_row_metadata = FULL; then step over this"
            " transaction: cdc position skip",
        )
    if mariadb and not _UNMEASURED.isdisjoint(types):
        raise RefusedEvent(
            "a TIME, DATETIME or TIMESTAMP column is stored as MariaDB before 10.1 did, and the"
            " binlog does not tell how many digits of the seconds it holds",
            table=full_name(schema, table),
            remedy="run on the source: SET GLOBAL mysql56_temporal_format = ON;"
            f" ALTER TABLE {sql_name(schema, table)} FORCE; then step over this transaction:"
            " cdc position skip",
        )
    found = shapes(types, payload[at:nulls_at], full_name(schema, table))
    signs = unsigned(
        optional.get(Metadata.SIGNEDNESS, b""),
        [each.type for each in found],
        years=years,
        table=full_name(schema, table),
    )
    describe = _Columns(optional, payload[nulls_at:optional_at], signs, decode, mariadb=mariadb)
    keys = metadata.primary_key(optional, count)
    return TableMap(
        schema,
        table,
        tuple(describe(found)),
        tuple(index for index, _ in keys),
        tuple(prefix for _, prefix in keys),
        mariadb,
    )


class _Columns:
    """Combines shapes and metadata of a table's columns; each list is in column order."""

    def __init__(
        self,
        optional: Fields,
        nulls: bytes,
        signs: Sequence[bool],
        decode: Decode,
        *,
        mariadb: bool,
    ) -> None:
        self._nulls = nulls
        self._decode = decode
        self._mariadb = mariadb
        self._listed = FieldType.GEOMETRY if mariadb else FieldType.VECTOR
        self._names = metadata.strings(optional[Metadata.COLUMN_NAME])
        self._unsigned = signs
        self._collations = metadata.collations(
            optional, Metadata.DEFAULT_CHARSET, Metadata.COLUMN_CHARSET
        )
        self._enumerated_collations = metadata.collations(
            optional, Metadata.ENUMERATED_DEFAULT_CHARSET, Metadata.ENUMERATED_COLUMN_CHARSET
        )
        self._members = {
            FieldType.ENUM: metadata.members(optional.get(Metadata.ENUM_MEMBERS, b"")),
            FieldType.SET: metadata.members(optional.get(Metadata.SET_MEMBERS, b"")),
        }
        self._geometries = metadata.integers(optional.get(Metadata.GEOMETRY_TYPE, b""))
        self._dimensions = metadata.integers(optional.get(Metadata.VECTOR_DIMENSION, b""))
        visibility = optional.get(Metadata.VISIBILITY)
        self._visible = repeat(True) if visibility is None else metadata.bits(visibility)
        self._counted: tuple[Iterator[object], ...] = (
            self._names,
            self._geometries,
            self._dimensions,
            *self._members.values(),
            *((self._collations,) if Metadata.COLUMN_CHARSET in optional else ()),
        )

    def __call__(self, found: list[Shape]) -> list[Column]:
        """Describe the columns; StopIteration or ValueError if they do not match the lists."""
        columns = [self._column(index, shape) for index, shape in enumerate(found)]
        if any(next(each, None) is not None for each in self._counted):
            raise ValueError("it tells of more columns than it has")
        return columns

    def _column(self, index: int, shape: Shape) -> Column:
        kind = shape.type
        collation = self._collation(kind)
        members = next(self._members[kind]) if kind in _ENUMERATED else ()
        name = self._name()
        hashes = self._mariadb and kind is FieldType.LONGLONG and _HASH.fullmatch(name) is not None
        return Column(
            name=name,
            type=kind,
            nullable=bool(self._nulls[index >> 3] & 1 << (index & 7)),
            unsigned=self._unsigned[index],
            length=shape.length,
            length_bytes=shape.length_bytes,
            precision=shape.precision,
            scale=shape.scale,
            bits=shape.bits,
            collation=collation,
            members=tuple([self._member(raw, collation or BINARY_COLLATION) for raw in members]),
            geometry=next(self._geometries) if kind is FieldType.GEOMETRY else None,
            dimension=next(self._dimensions) if kind is FieldType.VECTOR else None,
            visible=next(self._visible),
            hidden=hashes,
        )

    def _member(self, raw: bytes, collation: int) -> str | None:
        """Read a member; servers also accept bytes that are not of its charset."""
        try:
            return (
                raw.decode("ascii")
                if collation == BINARY_COLLATION
                else self._decode(raw, collation)
            )
        except (ValueError, RefusedEvent):
            return None  # it matters only to a mapping of the column, and to rows that hold it

    def _name(self) -> str:
        name = next(self._names).decode("utf-8")
        if "\0" in name:
            raise ValueError("a name holds NUL")
        return name

    def _collation(self, kind: FieldType) -> int | None:
        if kind in _TEXTUAL:
            return next(self._collations)
        if kind in _ENUMERATED:
            return next(self._enumerated_collations)
        if kind is self._listed:
            next(self._collations)  # a binary string in this server's eyes, listed among the texts
        return None
