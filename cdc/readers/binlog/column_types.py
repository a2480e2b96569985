"""Reads columns from a table map's type bytes and type metadata.

Format: `Table_map_event` in MySQL's `libs/mysql/binlog/event/rows_event.h`, *m_coltype* and
*m_field_metadata*. MariaDB writes the same, with types of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cdc.errors import RefusedEvent
from cdc.model.table_map import FieldType

VAR_STRING: Final = 253

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
_FLOATING = frozenset({FieldType.FLOAT, FieldType.DOUBLE})
_STRINGS = frozenset({FieldType.STRING, FieldType.ENUM, FieldType.SET})

MAX_DIGITS: Final = 65
MAX_FRACTION: Final = 6
MAX_LENGTH_BYTES: Final = 4
MAX_MEMBER_BYTES: Final = 8
MAX_BITS: Final = 64


@dataclass(frozen=True, slots=True)
class Shape:
    """A column's type, and the attributes that its bytes in an image depend on."""

    type: FieldType
    length: int = 0
    length_bytes: int = 0
    precision: int = 0
    scale: int = 0
    bits: int = 0


def shapes(types: bytes, metadata: bytes, table: str) -> list[Shape]:
    """Read all columns; raises RefusedEvent for an unknown type.

    Raises IndexError or ValueError for metadata that no server writes.
    """
    found, at = [], 0
    for code in types:
        shape, at = _shape(code, metadata, at, table)
        _require_sound(shape)
        found.append(shape)
    if at != len(metadata):
        raise ValueError("the attributes of its types do not add up")
    return found


def _shape(code: int, metadata: bytes, at: int, table: str) -> tuple[Shape, int]:
    if code in _STRINGS:
        return _string_shape(metadata[at], metadata[at + 1]), at + 2
    try:
        kind = FieldType.VARCHAR if code == VAR_STRING else FieldType(code)
    except ValueError:
        raise RefusedEvent(f"column type {code} is not known to cdc", table=table) from None
    if kind in (FieldType.VARCHAR, FieldType.MARIADB_VARCHAR_COMPRESSED):
        length = metadata[at] | metadata[at + 1] << 8
        return Shape(kind, length=length, length_bytes=2 if length > 255 else 1), at + 2
    if kind is FieldType.NEWDECIMAL:
        return Shape(kind, precision=metadata[at], scale=metadata[at + 1]), at + 2
    if kind is FieldType.BIT:
        return Shape(kind, bits=metadata[at] + 8 * metadata[at + 1]), at + 2
    if kind in _LENGTH_PREFIXED:
        return Shape(kind, length_bytes=metadata[at]), at + 1
    if kind in _TEMPORAL:
        return Shape(kind, scale=metadata[at]), at + 1
    return Shape(kind), at + (kind in _FLOATING)


def _string_shape(first: int, second: int) -> Shape:
    """Undo the packing of CHAR, ENUM and SET: `Field_string::do_save_field_metadata`."""
    if first & 0x30 != 0x30:
        length = second | ((first & 0x30) ^ 0x30) << 4
        kind = FieldType(first | 0x30)
    else:
        length, kind = second, FieldType(first)
    if kind not in _STRINGS:
        raise ValueError(f"a string column of type {kind}")
    if kind is not FieldType.STRING:
        return Shape(kind, length=length)
    return Shape(kind, length=length, length_bytes=2 if length > 255 else 1)


def _require_sound(shape: Shape) -> None:
    """Raise ValueError for attributes that no column has."""
    match shape.type:
        case FieldType.NEWDECIMAL:
            sound = shape.scale <= shape.precision and 1 <= shape.precision <= MAX_DIGITS
        case FieldType.BIT:
            sound = 1 <= shape.bits <= MAX_BITS
        case FieldType.ENUM | FieldType.SET:
            sound = 1 <= shape.length <= MAX_MEMBER_BYTES
        case kind if kind in _LENGTH_PREFIXED:
            sound = 1 <= shape.length_bytes <= MAX_LENGTH_BYTES
        case _:
            sound = shape.scale <= MAX_FRACTION
    if not sound:
        raise ValueError(f"no column is like {shape}")
