"""The BSON value of an expression's value, by the defaults of the mapping language."""

from __future__ import annotations

from decimal import Decimal as Exact

from cdc.mapping import bson_bytes
from cdc.mapping.expressions.kinds import (
    Binary,
    Date,
    DateTime,
    Decimal,
    Double,
    Integer,
    Json,
    Kind,
    Text,
    Time,
)
from cdc.mapping.expressions.runtime import json_values, moments, numbers
from cdc.mapping.types import json_text
from cdc.mapping.types.temporal import PartialDate, day_milliseconds

Encoded = tuple[bytes, bytes]
NULL: Encoded = (bson_bytes.NULL, b"")


def bson_value(value: object, kind: Kind) -> Encoded:
    """Return BSON type byte and value bytes; a date of no calendar becomes null."""
    match kind, value:
        case _, None:
            return NULL
        case Integer(bits=bits), int():
            if bits == 32:
                return bson_bytes.INT32, bson_bytes.pack_int32(value)
            return bson_bytes.long_integer(value)
        case Double(), float():
            return bson_bytes.DOUBLE, bson_bytes.pack_double(value)
        case Decimal(), Exact():
            return _decimal(value, kind)
        case Text(), str():
            return bson_bytes.STRING, bson_bytes.string(value.encode())
        case Binary(), bytes():
            return bson_bytes.BINARY, bson_bytes.binary(value)
        case Json(written=True), str():
            return json_text.encode(value.encode())
        case Json(), _:
            return json_values.encoded(value)
        case Date() | DateTime(), int():
            return _moment(value)
        case Time(scale=scale), int():
            return bson_bytes.STRING, bson_bytes.string(moments.time_text(value, scale).encode())
    raise TypeError(f"{type(value).__name__} is no value of {kind}")


def bson_type(kind: Kind) -> bytes:
    """Return the BSON type of a kind's values; b"" if the value decides."""
    match kind:
        case Integer(bits=bits):
            return bson_bytes.INT32 if bits == 32 else bson_bytes.INT64
        case Double():
            return bson_bytes.DOUBLE
        case Decimal(precision=precision):
            return bson_bytes.STRING if precision > bson_bytes.MAX_DIGITS else bson_bytes.DECIMAL128
        case Text() | Time():
            return bson_bytes.STRING
        case Binary():
            return bson_bytes.BINARY
        case Date() | DateTime():
            return bson_bytes.DATE
    return b""


def _decimal(value: Exact, kind: Decimal) -> Encoded:
    if kind.precision > bson_bytes.MAX_DIGITS:
        text = numbers.decimal_text(value, kind.scale)
        return bson_bytes.STRING, bson_bytes.string(text.encode())
    coefficient = int(value.scaleb(kind.scale, numbers.EXACT))
    return bson_bytes.DECIMAL128, bson_bytes.decimal128(coefficient, -kind.scale)


def _moment(packed: int) -> Encoded:
    parts = moments.unpack(packed)
    try:
        midnight = day_milliseconds(parts.year, parts.month, parts.day)
    except PartialDate:
        return NULL
    seconds = (parts.hour * 60 + parts.minute) * 60 + parts.second
    milliseconds = midnight + seconds * 1000 + parts.microsecond // 1000
    return bson_bytes.DATE, bson_bytes.pack_int64(milliseconds)
