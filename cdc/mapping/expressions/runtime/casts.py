"""Casts values as the servers do; texts are read as far as they are numbers."""

from __future__ import annotations

import re
import sys
from decimal import Decimal
from typing import Final

from cdc.mapping.expressions.runtime.numbers import (
    EXACT,
    MAX_SIGNED,
    MAX_UNSIGNED,
    MIN_SIGNED,
    OutOfRange,
    rounded,
    signed,
)

_WHOLE: Final = re.compile(r"[ \t\n\v\f\r]*([-+]?)0*([0-9]+)")
_NUMBER: Final = re.compile(
    r"[ \t\n\v\f\r]*([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)"
)
_WRAP: Final = 1 << 64
MAX_EXPONENT: Final = 9
"""The digits of an exponent; the servers disagree on longer ones."""
MAX_DIGITS: Final = 30
"""Enough digits to see that a number is beyond 64 bits."""


def _wrapped(value: int) -> int:
    """Return the signed number of the same 64 bits."""
    return (value - MIN_SIGNED) % _WRAP + MIN_SIGNED


def text_to_bits(text: str) -> int:
    """Return the 64 bits that a text begins with, as a number from -2^63 to 2^64-1."""
    match = _WHOLE.match(text)
    if not match:
        return 0
    number = int(match[2][:MAX_DIGITS])  # more digits change nothing, and Python reads 4300
    return max(-number, MIN_SIGNED) if match[1] == "-" else min(number, MAX_UNSIGNED)


def text_to_signed(text: str) -> int:
    """Compute CAST(text AS SIGNED)."""
    return _wrapped(text_to_bits(text))


def text_to_unsigned(text: str) -> int:
    """Compute CAST(text AS UNSIGNED)."""
    return text_to_bits(text) % _WRAP


def int_to_signed(value: int) -> int:
    """Compute CAST(integer AS SIGNED)."""
    return _wrapped(value)


def int_to_unsigned(value: int) -> int:
    """Compute CAST(integer AS UNSIGNED)."""
    return value % _WRAP


def decimal_to_signed(value: Decimal) -> int:
    """Compute CAST(decimal AS SIGNED)."""
    return max(MIN_SIGNED, min(MAX_SIGNED, int(rounded(value, 0))))


def double_to_signed(value: float) -> int:
    """Compute CAST(double AS SIGNED): halves round to even."""
    return max(MIN_SIGNED, min(MAX_SIGNED, round(value)))


def double_within_signed(value: float) -> int:
    """Compute CAST(double AS SIGNED); raises OutOfRange, since results out of range vary."""
    return signed(round(value))


def to_decimal(value: Decimal | int, precision: int, scale: int) -> Decimal:
    """Compute CAST(number AS DECIMAL): rounded, and no larger than its digits."""
    largest = EXACT.scaleb(Decimal(10**precision - 1), -scale)
    found = rounded(value, scale)
    return max(largest.copy_negate(), min(largest, found))


def double_to_decimal(value: float, precision: int, scale: int) -> Decimal:
    """Compute CAST(double AS DECIMAL): by its shortest digits."""
    return to_decimal(_bounded(repr(value)), precision, scale)


def text_to_decimal(text: str, precision: int, scale: int) -> Decimal:
    """Compute CAST(text AS DECIMAL)."""
    match = _NUMBER.match(text)
    return to_decimal(_bounded(match[1]) if match else Decimal(0), precision, scale)


def _bounded(text: str) -> Decimal:
    """Read a number; raises OutOfRange for one whose digits could not be written."""
    exponent = text.lower().partition("e")[2]
    if len(exponent.lstrip("+-")) > MAX_EXPONENT:
        raise OutOfRange("the exponent of a number in a text is out of range")
    value = Decimal(text)
    if not value:
        return Decimal(0)
    if value.adjusted() > 100:
        return Decimal(10**100).copy_sign(value)
    return Decimal(0) if value.adjusted() < -100 else value


def text_to_double(text: str) -> float:
    """Compute CAST(text AS DOUBLE)."""
    match = _NUMBER.match(text)
    value = float(match[1]) if match else 0.0
    return max(-sys.float_info.max, min(sys.float_info.max, value))


def sized(data: bytes, size: int) -> bytes:
    """Compute CAST(bytes AS BINARY(size))."""
    return data[:size].ljust(size, b"\0")
