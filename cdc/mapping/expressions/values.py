"""Decodes a column's bytes in a row image to the values that expressions use.

Integers, YEAR and BIT are int; DECIMAL is Decimal; FLOAT and DOUBLE float; text, ENUM and SET str;
binary bytes; DATE, DATETIME, TIMESTAMP and TIME the integers of `runtime.moments`; MySQL's JSON the
values of `runtime.json_values`.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from cdc.mapping.expressions.errors import ExpressionError
from cdc.mapping.expressions.runtime import json_values, moments
from cdc.mapping.expressions.runtime.moments import FRACTION_BITS, Parts
from cdc.mapping.types import charsets, enums
from cdc.mapping.types.cache import Cache
from cdc.mapping.types.decimals import DecimalString
from cdc.mapping.types.encoder import Wire
from cdc.mapping.types.floats import DOUBLE, FLOAT
from cdc.mapping.types.integers import YEAR_ORIGIN
from cdc.mapping.types.registry import INTEGER_BYTES
from cdc.mapping.types.temporal import date_parts, fraction_microseconds
from cdc.mapping.types.times import time_parts
from cdc.model.table_map import BINARY_COLLATION, Column, FieldType

Decoder = Callable[[bytes], object]

SIGN: Final = 1 << 39


def decoder(column: Column) -> Decoder:
    """Return a decoder of the column; raises ExpressionError for types without a value here.

    The decoder raises ValueError for damaged bytes.
    """
    if column.type in INTEGER_BYTES:
        return _unsigned if column.unsigned else _signed
    if column.type in (FieldType.STRING, FieldType.VARCHAR, FieldType.BLOB):
        return _characters(column)
    if column.type in (FieldType.ENUM, FieldType.SET):
        return _members(column)
    found = DECODERS.get(column.type)
    if found is None:
        raise ExpressionError(
            f"column `{column.name}`: a {column.sql_type} cannot be used in an expression"
        )
    return found(column)


def _signed(raw: bytes) -> int:
    return int.from_bytes(raw, "little", signed=True)


def _unsigned(raw: bytes) -> int:
    return int.from_bytes(raw, "little")


def _big(raw: bytes) -> int:
    return int.from_bytes(raw, "big")


def _year(raw: bytes) -> int:
    return raw[0] and raw[0] + YEAR_ORIGIN


def _single(raw: bytes) -> object:
    return FLOAT.unpack(raw)[0]


def _double(raw: bytes) -> object:
    return DOUBLE.unpack(raw)[0]


def _decimal(column: Column) -> Decoder:
    shape = DecimalString(Wire(), column.precision, column.scale)
    scale = -column.scale

    def decode(raw: bytes) -> Decimal:
        coefficient = shape.coefficient(raw)
        return Decimal(f"{coefficient}E{scale}") if scale else Decimal(coefficient)

    return decode


def _characters(column: Column) -> Decoder:
    if column.collation == BINARY_COLLATION:
        return _padded(column.length) if column.type is FieldType.STRING else bytes
    return _charset(column)


def _charset(column: Column) -> charsets.Decode:
    name = charsets.charset(column.collation) if column.collation is not None else None
    found = charsets.decoder(name) if name is not None else None
    if found is None:
        raise ExpressionError(f"column `{column.name}`: its charset is not known")
    return found[0]


def _padded(length: int) -> Decoder:
    """Return a decoder that restores the trailing zeros of a BINARY, which a row image drops."""

    def decode(raw: bytes) -> bytes:
        return raw.ljust(length, b"\0")

    return decode


def _members(column: Column) -> Decoder:
    if column.spelled:
        return _spelled(column)
    members = column.members

    def enum(raw: bytes) -> str:
        index = int.from_bytes(raw, "little")
        return enums.known(members[index - 1]) if index else ""

    def set_(raw: bytes) -> str:
        return ",".join(enums.chosen(int.from_bytes(raw, "little"), members))

    return enum if column.type is FieldType.ENUM else set_


def _spelled(column: Column) -> Decoder:
    decode = _charset(column)
    return lambda raw: enums.spelling(raw, decode)


def _date_value(raw: bytes) -> int:
    return moments.pack(Parts(*date_parts(raw)))


DATES: Final[Cache[bytes, int]] = Cache(_date_value)


def _datetime(raw: bytes) -> int:
    whole = int.from_bytes(raw[:5], "big") ^ SIGN
    return whole << FRACTION_BITS | fraction_microseconds(raw[5:])


def _timestamp_value(seconds: int) -> int:
    days, rest = divmod(seconds, 86_400)
    moment = moments.of_ordinal(days)
    return moment + ((rest // 3600 << 12 | rest // 60 % 60 << 6 | rest % 60) << FRACTION_BITS)


TIMESTAMPS: Final[Cache[int, int]] = Cache(_timestamp_value)


def _timestamp(raw: bytes) -> int:
    seconds, fraction = int.from_bytes(raw[:4], "big"), fraction_microseconds(raw[4:])
    return TIMESTAMPS[seconds] | fraction if seconds or fraction else 0


def _time(raw: bytes) -> int:
    sign, whole, microseconds = time_parts(raw)
    return sign * (whole << FRACTION_BITS | microseconds)


DECODERS: Final[dict[FieldType, Callable[[Column], Decoder]]] = {
    FieldType.FLOAT: lambda _: _single,
    FieldType.DOUBLE: lambda _: _double,
    FieldType.NEWDECIMAL: _decimal,
    FieldType.YEAR: lambda _: _year,
    FieldType.BIT: lambda _: _big,
    FieldType.DATE: lambda _: DATES.__getitem__,
    FieldType.DATETIME2: lambda _: _datetime,
    FieldType.TIMESTAMP2: lambda _: _timestamp,
    FieldType.TIME2: lambda _: _time,
    FieldType.JSON: lambda column: (
        json_values.from_text if column.json_text else json_values.from_binary
    ),
}
