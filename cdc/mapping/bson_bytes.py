"""The BSON vocabulary that mappings write: type bytes, lengths, Decimal128 (bsonspec.org)."""

from __future__ import annotations

import struct

DOUBLE = b"\x01"
STRING = b"\x02"
DOCUMENT = b"\x03"
ARRAY = b"\x04"
BINARY = b"\x05"
BOOLEAN = b"\x08"
DATE = b"\x09"
NULL = b"\x0a"
INT32 = b"\x10"
INT64 = b"\x12"
DECIMAL128 = b"\x13"

OF_COLUMNS = frozenset({DOUBLE, STRING, BINARY, BOOLEAN, DATE, INT32, INT64, DECIMAL128})
"""The types of what a column becomes that is one value: no array, document or NULL."""

TABLE_SIZE = 1 << 16
"""Lengths below this come from a table, not from `pack`: a fifth of the time."""

LENGTHS: tuple[bytes, ...] = tuple(map(struct.Struct("<i").pack, range(TABLE_SIZE)))
STRING_LENGTHS: tuple[bytes, ...] = LENGTHS[1:]
"""`STRING_LENGTHS[n]` is the length field of a string of n bytes, which counts its NUL."""

MIN_INTEGER, MAX_INTEGER = -(1 << 63), (1 << 64) - 1
"""The bounds within which a JSON number without a fraction is an integer; else a double."""

pack_int32 = struct.Struct("<i").pack
pack_int64 = struct.Struct("<q").pack
pack_double = struct.Struct("<d").pack

EXPONENT_BIAS = 6176
COEFFICIENT_BITS = 113
MAX_DIGITS = 34


def string(text: bytes) -> bytes:
    """Return a string value from its UTF-8 bytes."""
    return pack_int32(len(text) + 1) + text + b"\0"


def document(elements: bytes) -> bytes:
    """Return a document, or an array, from its elements."""
    return pack_int32(len(elements) + 5) + elements + b"\0"


def binary(data: bytes, subtype: int = 0) -> bytes:
    """Return a binary value: its length, subtype and bytes."""
    return pack_int32(len(data)) + bytes((subtype,)) + data


def integer(value: int) -> tuple[bytes, bytes]:
    """Return type byte and bytes of the smallest of int32, int64, Decimal128 that holds `value`."""
    if -(1 << 31) <= value < 1 << 31:
        return INT32, pack_int32(value)
    return long_integer(value)


def long_integer(value: int) -> tuple[bytes, bytes]:
    """Return type byte and bytes of an int64, or of a Decimal128 if that is too small."""
    if -(1 << 63) <= value < 1 << 63:
        return INT64, pack_int64(value)
    return DECIMAL128, decimal128(value, 0)


def decimal128(coefficient: int, exponent: int) -> bytes:
    """Encode `coefficient` × 10^`exponent`, of at most 34 digits.

    Format: IEEE 754-2008 decimal128 with a binary integer significand, as bson's decimal128.rst
    describes it.
    """
    sign = 1 << 127 if coefficient < 0 else 0
    biased = (exponent + EXPONENT_BIAS) << COEFFICIENT_BITS
    return (sign | biased | abs(coefficient)).to_bytes(16, "little")
