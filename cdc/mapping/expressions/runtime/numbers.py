"""Arithmetic as the servers do it, if Python's differs; and numbers as text."""

from __future__ import annotations

import math
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from typing import Final

from cdc.mapping.types.encoder import Unrepresentable

EXACT: Final = Context(prec=200, rounding=ROUND_HALF_UP)
"""Wide enough for the product of any two decimals."""
WORD_DIGITS: Final = 9
MIN_SIGNED: Final = -(1 << 63)
MAX_SIGNED: Final = (1 << 63) - 1
MAX_UNSIGNED: Final = (1 << 64) - 1


class OutOfRange(Unrepresentable):
    """The value of an expression is out of the range of its type, an error in MySQL too."""


def signed(value: int) -> int:
    """Return `value` if it fits a BIGINT; raises OutOfRange."""
    if MIN_SIGNED <= value <= MAX_SIGNED:
        return value
    raise OutOfRange("a BIGINT value of an expression is out of range")


def unsigned(value: int) -> int:
    """Return `value` if it fits a BIGINT UNSIGNED; raises OutOfRange."""
    if 0 <= value <= MAX_UNSIGNED:
        return value
    raise OutOfRange("a BIGINT UNSIGNED value of an expression is out of range")


def finite(value: float) -> float:
    """Return `value` if it is a number; raises OutOfRange."""
    if math.isfinite(value):
        return value
    raise OutOfRange("a DOUBLE value of an expression is out of range")


def add(one: Decimal | int, other: Decimal | int) -> Decimal:
    """Add exactly."""
    return EXACT.add(Decimal(one), Decimal(other))


def subtract(one: Decimal | int, other: Decimal | int) -> Decimal:
    """Subtract exactly."""
    return EXACT.subtract(Decimal(one), Decimal(other))


def absolute(value: Decimal | int) -> Decimal:
    """Drop the sign."""
    return Decimal(value).copy_abs()


def multiply(one: Decimal | int, other: Decimal | int) -> Decimal:
    """Multiply exactly."""
    return EXACT.multiply(Decimal(one), Decimal(other))


def divide_int(one: int, other: int) -> int | None:
    """Divide whole numbers, towards zero; None for a division by zero."""
    if not other:
        return None
    quotient = abs(one) // abs(other)
    return -quotient if (one < 0) != (other < 0) else quotient


def modulo_int(one: int, other: int) -> int | None:
    """Return the remainder, with the sign of the dividend; None for a division by zero."""
    if not other:
        return None
    rest = abs(one) % abs(other)
    return -rest if one < 0 else rest


def modulo_decimal(one: Decimal | int, other: Decimal | int) -> Decimal | None:
    """Return the remainder, with the sign of the dividend; None for a division by zero."""
    return EXACT.remainder(Decimal(one), Decimal(other)) if other else None


def modulo_double(one: float, other: float) -> float | None:
    """Return the remainder, with the sign of the dividend; None for a division by zero."""
    return math.fmod(one, other) if other else None


def divide_double(one: float, other: float) -> float | None:
    """Divide doubles; None for a division by zero."""
    return finite(one / other) if other else None


def divide_to_int(one: Decimal | int, other: Decimal | int) -> int | None:
    """Return the whole part of a quotient of exact numbers; None for a division by zero."""
    if not other:
        return None
    return int(EXACT.divide_int(Decimal(one), Decimal(other)))


def divide_in_words(one: Decimal | int, other: Decimal | int, increment: int) -> Decimal | None:
    """Return the quotient in whole words of nine digits, as MariaDB keeps it; None by zero.

    See `do_div_mod` in the servers' `strings/decimal.c`.
    """
    if not other:
        return None
    first, second = Decimal(one), Decimal(other)
    scales = [_scale(first), _scale(second)]
    words = [-(-scale // WORD_DIGITS) * WORD_DIGITS for scale in scales]
    increment = max(0, increment - (sum(words) - sum(scales)))
    digits = -(-(sum(words) + increment) // WORD_DIGITS) * WORD_DIGITS
    return _cut(EXACT.divide(first, second), digits)


def divide_rounded(
    one: Decimal | int, other: Decimal | int, increment: int, scale: int
) -> Decimal | None:
    """Return the quotient of whole words, rounded to `scale` digits as in MySQL 9; None by zero.

    So it is cut, not rounded, if the words end at `scale`.
    """
    quotient = divide_in_words(one, other, increment)
    return None if quotient is None else rounded(quotient, scale)


def _scale(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


def _cut(value: Decimal, digits: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_DOWN, EXACT)


def rounded(value: Decimal | int, scale: int) -> Decimal:
    """Round to `scale` digits, half away from zero."""
    return Decimal(value).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, EXACT)


def round_decimal(value: Decimal | int, digits: int) -> Decimal:
    """Round to `digits`, which may be negative, half away from zero."""
    if digits >= 0:
        return rounded(value, digits)
    return rounded(rounded(Decimal(value).scaleb(digits, EXACT), 0).scaleb(-digits, EXACT), 0)


def round_int(value: int, digits: int) -> int:
    """Round to a negative number of `digits`, half away from zero."""
    unit = int(10**-digits)
    whole = (abs(value) + unit // 2) // unit * unit
    return -whole if value < 0 else whole


def round_double(value: float, digits: int) -> float:
    """Round as `my_double_round` does: by multiplying, halves to even."""
    power = 10.0 ** abs(digits) if abs(digits) <= 308 else math.inf
    if digits < 0:
        return 0.0 if math.isinf(power) else float(round(value / power)) * power
    product = value * power
    return value if math.isinf(product) else float(round(product)) / power


def int_text(value: int) -> str:
    """Print a whole number; a truth value prints as 1 or 0."""
    return str(int(value))


def decimal_text(value: Decimal | int, scale: int) -> str:
    """Print a decimal with `scale` digits."""
    text = f"{rounded(value, scale):f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text


def double_text(value: float) -> str:
    """Print a double as `my_gcvt` does: its shortest digits, in the shorter of the two forms."""
    if not value:
        return "-0" if math.copysign(1, value) < 0 else "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    number = Decimal(f"{mantissa}e{exponent or 0}").normalize()
    digits, tens = "".join(map(str, number.as_tuple().digits)), number.adjusted()
    if -15 <= tens < 15:
        return sign + f"{number:f}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{tens}"
