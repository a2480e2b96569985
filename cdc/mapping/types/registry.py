"""Selects the encoder of a column: its type's default, or what `type:` requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from cdc.mapping.bson_bytes import MAX_DIGITS
from cdc.mapping.types import (
    binary,
    bits,
    charsets,
    compressed,
    decimals,
    enums,
    floats,
    integers,
    json_column,
    json_text,
    network,
    old_temporal,
    spatial,
    temporal,
    text,
    times,
    vector,
)
from cdc.mapping.types.encoder import Encoder, Wire
from cdc.mapping.types.temporal import Report
from cdc.mapping.types.value_types import ValueType
from cdc.model.table_map import BINARY_COLLATION, Column, FieldType

INTEGER_BYTES = {
    FieldType.TINY: 1,
    FieldType.SHORT: 2,
    FieldType.INT24: 3,
    FieldType.LONG: 4,
    FieldType.LONGLONG: 8,
}
DATETIMES = frozenset({FieldType.DATETIME2, FieldType.DATETIME})
"""The types that hold the time of a clock, of whatever zone."""

TIMESTAMPS = frozenset({FieldType.TIMESTAMP2, FieldType.TIMESTAMP})
"""The types that hold a moment."""

OLD_TEMPORAL_BYTES = {FieldType.TIME: 3, FieldType.TIMESTAMP: 4, FieldType.DATETIME: 8}
BLOBS = frozenset(
    {
        FieldType.BLOB,
        FieldType.JSON,
        FieldType.GEOMETRY,
        FieldType.VECTOR,
        FieldType.MARIADB_BLOB_COMPRESSED,
    }
)
COMPRESSED = {
    FieldType.MARIADB_BLOB_COMPRESSED: FieldType.BLOB,
    FieldType.MARIADB_VARCHAR_COMPRESSED: FieldType.VARCHAR,
}
FRACTION_BYTES = (0, 1, 1, 2, 2, 3, 3)
"""The bytes of a fraction of so many digits of the second."""


SPELLED_PREFIX = 2
"""The bytes of the length of a spelled ENUM or SET: 64 members are up to 65,343 bytes."""


class Unsupported(ValueError):
    """A column that cannot become what is asked for; says why."""


def wire(column: Column) -> Wire:
    """Return the column's place in a row image."""
    match column.type:
        case kind if kind in INTEGER_BYTES:
            return Wire(INTEGER_BYTES[kind])
        case FieldType.FLOAT:
            return Wire(4)
        case FieldType.DOUBLE:
            return Wire(8)
        case FieldType.NEWDECIMAL:
            return Wire(decimals.byte_size(column.precision, column.scale))
        case FieldType.YEAR:
            return Wire(1)
        case FieldType.DATE:
            return Wire(3)
        case FieldType.TIME2:
            return Wire(3 + FRACTION_BYTES[column.scale])
        case FieldType.DATETIME2:
            return Wire(5 + FRACTION_BYTES[column.scale])
        case FieldType.TIMESTAMP2:
            return Wire(4 + FRACTION_BYTES[column.scale])
        case kind if kind in OLD_TEMPORAL_BYTES and not column.scale:
            return Wire(OLD_TEMPORAL_BYTES[kind])
        case FieldType.ENUM | FieldType.SET:
            return Wire(prefix=SPELLED_PREFIX) if column.spelled else Wire(column.length)
        case FieldType.BIT:
            return Wire((column.bits + 7) // 8)
        case FieldType.STRING | FieldType.VARCHAR | FieldType.MARIADB_VARCHAR_COMPRESSED:
            return Wire(prefix=1 if column.length < 256 else 2)
        case kind if kind in BLOBS:
            return Wire(prefix=column.length_bytes)
    raise Unsupported(f"type {column.sql_type} is not supported yet")


def encoder(column: Column, wanted: ValueType | None, report: Report) -> Encoder:
    """Return the encoder of a column; raises Unsupported with the reason."""
    if wanted is None:
        return _default(column, report)
    if column.type in COMPRESSED:
        return compressed.Compressed(wire(column), encoder(_plain(column), wanted, report))
    found = CASTS[wanted](column, report)
    if found is None:
        raise Unsupported(f"a {column.sql_type} cannot become `type: {wanted.value}`")
    return found


def _default(column: Column, report: Report) -> Encoder:
    shape = wire(column)
    match column.type:
        case kind if kind in INTEGER_BYTES:
            return integers.integer(shape.size, unsigned=column.unsigned)
        case FieldType.FLOAT:
            return floats.Single(shape)
        case FieldType.DOUBLE:
            return floats.Double(shape)
        case FieldType.NEWDECIMAL:
            return decimals.decimal(column.precision, column.scale)
        case FieldType.YEAR:
            return integers.Year(shape)
        case FieldType.DATE:
            return temporal.Date(shape, report)
        case FieldType.DATETIME2:
            return temporal.DateTime(shape, column.scale, report)
        case FieldType.TIMESTAMP2:
            return temporal.Timestamp(shape, column.scale, report)
        case FieldType.ENUM if column.spelled:
            return _spelled(column, shape)
        case FieldType.ENUM:
            return enums.Enum(shape, enums.enum_values(column.members))
        case FieldType.JSON if column.json_text:
            return json_text.JsonText(shape)
        case FieldType.JSON:
            return json_column.Json(shape)
        case FieldType.SET if column.spelled:
            return enums.SpelledSet(shape, _member_decoder(column))
        case FieldType.SET:
            return enums.Set(shape, enums.enum_values(column.members)[1:])
        case FieldType.BIT:
            return bits.Bit(shape) if column.bits == 1 else bits.Bits(shape, column.bits)
        case FieldType.TIME2:
            return times.Time(shape, column.scale)
        case FieldType.TIME:
            return old_temporal.OldTime(shape)
        case FieldType.DATETIME:
            return old_temporal.OldDateTime(shape, report)
        case FieldType.TIMESTAMP:
            return old_temporal.OldTimestamp(shape, report)
        case FieldType.GEOMETRY:
            return spatial.Geometry(shape)
        case FieldType.VECTOR:
            return vector.Vector(shape)
        case FieldType.STRING | FieldType.VARCHAR | FieldType.BLOB:
            return _characters(column, shape)
        case kind if kind in COMPRESSED:
            return compressed.Compressed(shape, _default(_plain(column), report))
    raise Unsupported(f"type {column.sql_type} is not supported yet")


def _spelled(column: Column, shape: Wire) -> Encoder:
    return text.Text(shape, _speller(column), "" not in column.members)


def _speller(column: Column) -> charsets.Decode:
    """Return what decodes an ENUM or SET as SELECT spells it."""
    return partial(enums.spelling, decode=_member_decoder(column))


def _member_decoder(column: Column) -> charsets.Decode:
    """Return the decoder of an ENUM's or SET's members; those of a binary one are ASCII."""
    return enums.ascii_text if column.collation == BINARY_COLLATION else _decoder(column)[0]


def _plain(column: Column) -> Column:
    """Return the column as it would be without compression."""
    return replace(column, type=COMPRESSED[column.type])


def _characters(column: Column, shape: Wire) -> Encoder:
    if column.collation == BINARY_COLLATION:
        if column.type is FieldType.STRING:
            return binary.FixedBinary(shape, column.length)
        return binary.Binary(shape)
    decode, injective = _decoder(column)
    if decode is bytes.decode:
        return text.Utf8(shape)
    return text.Text(shape, decode, injective)


def _decoder(column: Column) -> tuple[charsets.Decode, bool]:
    if column.collation is None:
        raise Unsupported("the binlog does not tell its charset (binlog_row_metadata=FULL does)")
    charset = charsets.charset(column.collation)
    if charset is None:
        raise Unsupported(f"the charset of collation {column.collation} is not known")
    found = charsets.decoder(charset)
    if found is None:
        raise Unsupported(f"charset {charset} is not supported")
    return found


def _bool(column: Column, _: Report) -> Encoder | None:
    if column.type in INTEGER_BYTES:
        return integers.Boolean(wire(column))
    return None


def _int64(column: Column, _: Report) -> Encoder | None:
    if column.type in INTEGER_BYTES:
        return integers.WideInteger(wire(column), column.unsigned)
    return None


def _double(column: Column, _: Report) -> Encoder | None:
    if column.type in INTEGER_BYTES:
        return integers.IntegerDouble(wire(column), column.unsigned)
    if column.type is FieldType.NEWDECIMAL:
        return decimals.DecimalDouble(wire(column), column.precision, column.scale)
    if column.type is FieldType.FLOAT:
        return floats.Single(wire(column))
    return floats.Double(wire(column)) if column.type is FieldType.DOUBLE else None


def _decimal(column: Column, _: Report) -> Encoder | None:
    if column.type in INTEGER_BYTES:
        return integers.IntegerDecimal(wire(column), column.unsigned)
    if column.type is FieldType.NEWDECIMAL and column.precision <= MAX_DIGITS:
        return decimals.decimal(column.precision, column.scale)
    return None


def _string(column: Column, report: Report) -> Encoder | None:
    shape = wire(column)
    match column.type:
        case kind if kind in INTEGER_BYTES:
            return integers.IntegerString(shape, column.unsigned)
        case FieldType.NEWDECIMAL:
            return decimals.DecimalString(shape, column.precision, column.scale)
        case FieldType.FLOAT | FieldType.DOUBLE:
            return floats.FloatString(shape)
        case FieldType.DATE:
            return temporal.DateString(shape)
        case FieldType.DATETIME2:
            return temporal.DateTimeString(shape, column.scale)
        case FieldType.TIMESTAMP2:
            return temporal.TimestampString(shape, column.scale)
        case FieldType.DATETIME:
            return old_temporal.OldDateTimeString(shape)
        case FieldType.TIMESTAMP:
            return old_temporal.OldTimestampString(shape)
        case FieldType.SET if column.spelled:
            return text.Text(shape, _speller(column), is_injective=False)
        case FieldType.SET:
            return enums.SetString(shape, column.members)
        case FieldType.ENUM | FieldType.TIME | FieldType.TIME2:
            return _default(column, report)
        case FieldType.STRING | FieldType.VARCHAR | FieldType.BLOB:
            return _default(column, report) if column.collation != BINARY_COLLATION else None
    return None


def _json(column: Column, report: Report) -> Encoder | None:
    if column.type is FieldType.JSON:
        return _default(column, report)
    if column.type in CHARACTERS and column.collation != BINARY_COLLATION:
        return _json_text(wire(column), _decoder(column)[0])
    return None


def _json_text(shape: Wire, decode: charsets.Decode) -> Encoder:
    if decode is bytes.decode:
        return json_text.JsonText(shape)
    return json_text.DecodedJsonText(shape, decode)


def _uuid(column: Column, _: Report) -> Encoder | None:
    return network.Uuid(wire(column)) if _bytes(column) == network.UUID_BYTES else None


def _inet(size: int) -> Callable[[Column, Report], Encoder | None]:
    def inet(column: Column, _: Report) -> Encoder | None:
        return network.Inet(wire(column), size) if _bytes(column) == size else None

    return inet


def _bytes(column: Column) -> int:
    """Return the length of a BINARY column; 0 for any other."""
    binary_string = column.type is FieldType.STRING and column.collation == BINARY_COLLATION
    return column.length if binary_string else 0


CHARACTERS = frozenset({FieldType.STRING, FieldType.VARCHAR, FieldType.BLOB})
CASTS: dict[ValueType, Callable[[Column, Report], Encoder | None]] = {
    ValueType.BOOL: _bool,
    ValueType.INT64: _int64,
    ValueType.DOUBLE: _double,
    ValueType.DECIMAL: _decimal,
    ValueType.STRING: _string,
    ValueType.JSON: _json,
    ValueType.UUID: _uuid,
    ValueType.INET4: _inet(4),
    ValueType.INET6: _inet(16),
}
