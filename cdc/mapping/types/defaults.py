"""Encodes the value for NULL: a mapping's `default`, as a BSON value of the field's own type."""

from __future__ import annotations

import struct
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from cdc.mapping import bson_bytes
from cdc.mapping.types.encoder import Encoder

Scalar = bool | int | float | str
Encoded = tuple[bytes, bytes]


class UnfitDefault(ValueError):
    """The default is of another type than the field's values."""


def default(value: Scalar, encoder: Encoder) -> Encoded:
    """Return type byte and value bytes; raises UnfitDefault."""
    types, encode = ENCODE.get(encoder.usual_type, ANY)
    if type(value) not in types:
        raise UnfitDefault(f"default {value!r} is not of the type of its values")
    try:
        return encode(value)
    except (OverflowError, struct.error, ValueError) as error:
        raise UnfitDefault(f"default {value!r} is out of range") from error


def _decimal128(value: int | float) -> Encoded:
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    if not isinstance(exponent, int) or len(digits) > bson_bytes.MAX_DIGITS:
        raise ValueError("not a number of 34 digits")
    coefficient = int("".join(map(str, digits))) * (-1 if sign else 1)
    return bson_bytes.DECIMAL128, bson_bytes.decimal128(coefficient, exponent)


def natural(value: Scalar) -> Encoded:
    """Return a constant as the BSON type of its YAML type; integers as the smallest that fits."""
    if isinstance(value, bool):
        return bson_bytes.BOOLEAN, bytes((value,))
    if isinstance(value, int):
        return bson_bytes.integer(value)
    if isinstance(value, float):
        return bson_bytes.DOUBLE, bson_bytes.pack_double(value)
    return bson_bytes.STRING, bson_bytes.string(value.encode())


Rule = tuple[frozenset[type], Callable[[Any], Encoded]]

ANY: Rule = (frozenset({bool, int, float, str}), natural)
NOTHING: Rule = (frozenset(), natural)
ENCODE: dict[bytes, Rule] = {
    bson_bytes.BOOLEAN: (frozenset({bool}), natural),
    bson_bytes.INT32: (
        frozenset({int}),
        lambda value: (bson_bytes.INT32, bson_bytes.pack_int32(value)),
    ),
    bson_bytes.INT64: (
        frozenset({int}),
        lambda value: (bson_bytes.INT64, bson_bytes.pack_int64(value)),
    ),
    bson_bytes.DOUBLE: (
        frozenset({int, float}),
        lambda value: (bson_bytes.DOUBLE, bson_bytes.pack_double(value)),
    ),
    bson_bytes.DECIMAL128: (frozenset({int, float}), _decimal128),
    bson_bytes.STRING: (frozenset({str}), natural),
    bson_bytes.DATE: NOTHING,
    bson_bytes.BINARY: NOTHING,
    bson_bytes.ARRAY: NOTHING,
}
