"""A column's bytes as the value that Debezium's JSON has for them.

Formats: "Data type mappings" in the documentation of Debezium's MySQL connector, with its defaults
(`time.precision.mode: adaptive_time_microseconds`, `bigint.unsigned.handling.mode: long`,
`binary.handling.mode: bytes`), and what Kafka Connect's JsonConverter makes of them without
schemas: bytes are base64. Held against the output of Debezium 3.6.1.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any, Final, Literal

import bson
import orjson
from bson.decimal128 import Decimal128

from cdc.mapping import bson_bytes
from cdc.mapping.types import floats, json_column, spatial
from cdc.mapping.types.decimals import DecimalDouble, DecimalString
from cdc.mapping.types.encoder import Encoder
from cdc.mapping.types.registry import INTEGER_BYTES, encoder, wire
from cdc.mapping.types.temporal import (
    UNIX_EPOCH_DAY,
    date_parts,
    datetime_parts,
    fraction_digits,
    fraction_microseconds,
)
from cdc.mapping.types.times import time_parts
from cdc.mapping.types.value_types import ValueType
from cdc.model.any_time import ANY_TIME
from cdc.model.table_map import Column, FieldType

Decimals = Literal["precise", "string", "double"]
"""Debezium's `decimal.handling.mode`."""

Decode = Callable[[bytes], Any]
"""Returns what JSON holds for the bytes of a value that is not NULL."""

DAY_MICROSECONDS: Final = 86_400_000_000
YEAR_ORIGIN: Final = 1900
MILLISECOND_DIGITS: Final = 3
POINT: Final = 1
"""The number of POINT among the kinds of geometries."""


def decoder(column: Column, decimals: Decimals) -> Decode:
    """Return what reads a column; raises Unsupported for one that no document can hold either."""
    match column.type:
        case kind if kind in INTEGER_BYTES:
            return _integer(column)
        case FieldType.FLOAT:
            return floats.shortest
        case FieldType.DOUBLE:
            return lambda raw: float(floats.DOUBLE.unpack(raw)[0])
        case FieldType.NEWDECIMAL:
            return _decimal(column, decimals)
        case FieldType.YEAR:
            return lambda raw: YEAR_ORIGIN + raw[0] if raw[0] else 0
        case FieldType.BIT:
            return bool_of_bit if column.bits == 1 else _bits
        case FieldType.JSON:
            return _json(_default(column))
        case FieldType.GEOMETRY:
            return _point if column.geometry == POINT else _geometry
        case FieldType.VECTOR:
            return _vector
        case FieldType.SET:
            return _text(encoder(column, ValueType.STRING, _nobody))
    return _temporal(column) or _characters(_default(column))


def _nobody(_: str) -> None:
    """Count no loss: documents count theirs."""


def _default(column: Column) -> Encoder:
    return encoder(column, None, _nobody)


def _integer(column: Column) -> Decode:
    """Return what reads an integer; one of 8 bytes is a Java long, whatever its sign."""
    signed = not column.unsigned or column.type is FieldType.LONGLONG
    return lambda raw: int.from_bytes(raw, "little", signed=signed)


def _decimal(column: Column, decimals: Decimals) -> Decode:
    shape, precision, scale = wire(column), column.precision, column.scale
    if decimals == "string":
        return _text(DecimalString(shape, precision, scale))
    number = DecimalDouble(shape, precision, scale)
    if decimals == "double":
        return lambda raw: float(f"{number.coefficient(raw)}e-{scale}")
    return lambda raw: _base64(two_s_complement(number.coefficient(raw)))


def two_s_complement(number: int) -> bytes:
    """Return the fewest big-endian bytes, as Java's BigInteger gives them."""
    bits = (number if number >= 0 else ~number).bit_length()
    return number.to_bytes(bits // 8 + 1, "big", signed=True)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def bool_of_bit(raw: bytes) -> bool:
    """Return the value of a BIT(1)."""
    return any(raw)


def _bits(raw: bytes) -> str:
    """Return a BIT(n), little-endian as `io.debezium.data.Bits`."""
    return _base64(raw[::-1])


def _text(text: Encoder) -> Decode:
    return lambda raw: text.convert(raw)[1][4:-1].decode()


def _characters(found: Encoder) -> Decode:
    if found.usual_type == bson_bytes.BINARY:
        return lambda raw: _base64(found.convert(raw)[1][5:])
    return _text(found)


# -- times


def _temporal(column: Column) -> Decode | None:
    """Return what reads a time; None for a column of another type.

    Zero and partial dates are null, or 1970 where the column is NOT NULL.
    """
    zero = None if column.nullable else 0
    match column.type:
        case FieldType.DATE:
            return lambda raw: zero if (day := _day(*date_parts(raw))) is None else day
        case FieldType.DATETIME2:
            return _datetime(column, zero, _packed_datetime)
        case FieldType.DATETIME:
            return _datetime(column, zero, _old_datetime)
        case FieldType.TIME2:
            return _time
        case FieldType.TIME:
            return _old_time
        case FieldType.TIMESTAMP2:
            return _timestamp(column, "big")
        case FieldType.TIMESTAMP:
            return _timestamp(column, "little")
    return None


def _day(year: int, month: int, day: int) -> int | None:
    """Return the days since 1970; None for what is in no calendar."""
    try:
        return date(year, month, day).toordinal() - UNIX_EPOCH_DAY
    except ValueError:
        return None


Moment = tuple[int, int, int, int]
"""Year, month and day, and the microseconds since midnight."""


def _packed_datetime(raw: bytes) -> Moment:
    year, month, day, hour, minute, second = datetime_parts(raw)
    clock = ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction_microseconds(raw[5:])
    return year, month, day, clock


def _old_datetime(raw: bytes) -> Moment:
    """Read the digits yyyymmddhhmmss."""
    digits = f"{int.from_bytes(raw, 'little'):014d}"
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:8])
    hour, minute, second = int(digits[8:10]), int(digits[10:12]), int(digits[12:])
    return year, month, day, ((hour * 60 + minute) * 60 + second) * 1_000_000


def _datetime(column: Column, zero: int | None, read: Callable[[bytes], Moment]) -> Decode:
    """Return what reads a DATETIME, taken as UTC: milliseconds up to three digits, else micros."""
    divisor = 1000 if column.scale <= MILLISECOND_DIGITS else 1

    def decode(raw: bytes) -> int | None:
        year, month, day, clock = read(raw)
        days = _day(year, month, day)
        return zero if days is None else (days * DAY_MICROSECONDS + clock) // divisor

    return decode


def _time(raw: bytes) -> int:
    """Return the microseconds of a TIME, which may be negative, or more than a day."""
    sign, whole, microseconds = time_parts(raw)
    seconds = ((whole >> 12) * 60 + (whole >> 6 & 63)) * 60 + (whole & 63)
    return sign * (seconds * 1_000_000 + microseconds)


def _old_time(raw: bytes) -> int:
    """Read the digits hhmmss, signed."""
    digits = int.from_bytes(raw, "little", signed=True)
    minutes, second = divmod(abs(digits), 100)
    hour, minute = divmod(minutes, 100)
    return (-1 if digits < 0 else 1) * ((hour * 60 + minute) * 60 + second) * 1_000_000


def _timestamp(column: Column, order: Literal["big", "little"]) -> Decode:
    """Return what reads a TIMESTAMP: ISO 8601 in UTC, with the digits of its type."""
    zero = None if column.nullable else "1970-01-01T00:00:00Z"
    scale = column.scale

    def decode(raw: bytes) -> str | None:
        if not any(raw):
            return zero
        days, second = divmod(int.from_bytes(raw[:4], order), 86_400)
        minutes, second = divmod(second, 60)
        day = date.fromordinal(UNIX_EPOCH_DAY + days).isoformat()
        fraction = fraction_digits(fraction_microseconds(raw[4:]), scale)
        return f"{day}T{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}{fraction}Z"

    return decode


# -- what has a structure


def _json(found: Encoder) -> Decode:
    """Return what reads JSON, binary or as SELECT prints it: its text without spaces."""
    convert = json_column.transcode if isinstance(found, json_column.Json) else found.convert

    def decode(raw: bytes) -> str:
        bson_type, content = convert(raw)
        document = bson_bytes.document(bson_type + b"\0" + content)
        text = orjson.dumps(bson.decode(document, ANY_TIME)[""], default=_large)  # noqa: TID251
        return text.decode()

    return decode


def _large(value: object) -> int:
    """Return an integer beyond 64 bits with a sign, which BSON holds as a decimal."""
    if isinstance(value, Decimal128):
        number: Decimal = value.to_decimal()
        return int(number)
    raise TypeError(type(value).__name__)


def _geometry(raw: bytes) -> dict[str, Any]:
    (srid,) = spatial.SRID.unpack_from(raw)
    return {"wkb": _base64(raw[spatial.SRID.size :]), "srid": srid or None}


def _point(raw: bytes) -> dict[str, Any]:
    x, y = spatial.POINT.unpack_from(raw, spatial.SRID.size + spatial.HEADER.size)
    return {"x": x, "y": y, **_geometry(raw)}


def _vector(raw: bytes) -> list[float]:
    return [floats.shortest(raw[at : at + 4]) for at in range(0, len(raw), struct.calcsize("f"))]
