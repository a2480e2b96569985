"""DECIMAL: groups of nine digits in four big-endian bytes, a smaller group in fewer.

Format: `decimal2bin` in MySQL's `strings/decimal.cc`: the integer part begins with its smaller
group, the fraction ends with its own; the highest bit is inverted, and a negative number has every
bit inverted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cdc.mapping import bson_bytes
from cdc.mapping.codegen.emitter import Emitter, Part, Size, Value
from cdc.mapping.types.encoder import Raw, Typed, Wire

GROUP_DIGITS = 9
GROUP_BYTES = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)
"""The bytes of a group of so many digits."""
INT64_DIGITS = 18
"""Any number of so many digits fits eight bytes."""
SIZE_CODES = {1: "B", 2: "H", 3: "HB", 4: "I"}


def groups(precision: int, scale: int) -> tuple[int, ...]:
    """Return the digits of each group, in order."""
    whole, fraction = precision - scale, scale
    lead, trail = whole % GROUP_DIGITS, fraction % GROUP_DIGITS
    full = whole // GROUP_DIGITS + fraction // GROUP_DIGITS
    return (lead,) * bool(lead) + (GROUP_DIGITS,) * full + (trail,) * bool(trail)


def byte_size(precision: int, scale: int) -> int:
    """Return the bytes of the column's value."""
    return sum(GROUP_BYTES[digits] for digits in groups(precision, scale))


@dataclass(frozen=True, slots=True)
class DecimalEncoder(Typed):
    """A DECIMAL(`precision`, `scale`)."""

    precision: int
    scale: int

    injective: ClassVar[bool] = True

    def coefficient(self, raw: bytes) -> int:
        """Return the number × 10^scale."""
        negative = raw[0] < 0x80
        flipped = bytes((raw[0] ^ 0x80, *raw[1:]))
        if negative:
            flipped = bytes(byte ^ 0xFF for byte in flipped)
        value = at = 0
        for digits in groups(self.precision, self.scale):
            size = GROUP_BYTES[digits]
            group = int.from_bytes(flipped[at : at + size], "big")
            if group >= 10**digits:
                raise ValueError("a group of decimal digits is out of range")
            value = value * 10**digits + group
            at += size
        return -value if negative else value


@dataclass(frozen=True, slots=True)
class Decimal(DecimalEncoder):
    """A DECIMAL of at most 34 digits as Decimal128."""

    bson_type: ClassVar[bytes] = bson_bytes.DECIMAL128

    @property
    def codes(self) -> str:  # type: ignore[override]
        """The groups as integers, if the whole fits eight bytes."""
        if self.precision > INT64_DIGITS:
            return ""
        sizes = (GROUP_BYTES[digits] for digits in groups(self.precision, self.scale))
        return "".join(SIZE_CODES[size] for size in sizes)

    def value(self, raw: bytes) -> bytes:
        """Return the Decimal128."""
        return bson_bytes.decimal128(self.coefficient(raw), -self.scale)

    def emit(self, code: Emitter, raw: Raw) -> Value:
        """Add up the groups; a negative number is converted by value."""
        if not self.codes:
            return Typed.emit(self, code, raw)
        first = raw.names[0]
        sign_bit = 1 << (8 * _width(self.codes[0]) - 1)
        found = self._groups(raw, sign_bit)
        beyond = (f"{group} >= {10**digits}" for group, digits in found)
        code.line(f"if {first} < {sign_bit} or {' or '.join(beyond)}: raise ValueError")
        pack = code.bind("pack_int64", bson_bytes.pack_int64)
        high: Part = bson_bytes.decimal128(0, -self.scale)[8:]
        return Value(self.bson_type, (f"{pack}({_sum(found)})", high), Size(16))

    def _groups(self, raw: Raw, sign_bit: int) -> list[tuple[str, int]]:
        """Return an expression for each group, and its digits."""
        names = iter(raw.names)
        found: list[tuple[str, int]] = []
        for digits in groups(self.precision, self.scale):
            group = next(names)
            if not found:
                group = f"({group} ^ {sign_bit})"
            if GROUP_BYTES[digits] == 3:
                group = f"({group} << 8 | {next(names)})"
            found.append((group, digits))
        return found


def _sum(found: list[tuple[str, int]]) -> str:
    expression = ""
    for group, digits in found:
        expression = f"({expression}) * {10**digits} + {group}" if expression else group
    return expression


def _width(code: str) -> int:
    return {"B": 1, "H": 2, "I": 4}[code]


@dataclass(frozen=True, slots=True)
class DecimalString(DecimalEncoder):
    """A DECIMAL of any size as SELECT prints it (`type: string`)."""

    bson_type: ClassVar[bytes] = bson_bytes.STRING

    def value(self, raw: bytes) -> bytes:
        """Return the digits as a BSON string."""
        coefficient = self.coefficient(raw)
        digits = str(abs(coefficient)).rjust(self.scale + 1, "0")
        whole = digits[: len(digits) - self.scale]
        fraction = "." + digits[len(digits) - self.scale :] if self.scale else ""
        return bson_bytes.string(f"{'-' * (coefficient < 0)}{whole}{fraction}".encode())


@dataclass(frozen=True, slots=True)
class DecimalDouble(DecimalEncoder):
    """A DECIMAL as the nearest double (`type: double`)."""

    bson_type: ClassVar[bytes] = bson_bytes.DOUBLE
    injective: ClassVar[bool] = False

    def value(self, raw: bytes) -> bytes:
        """Return the nearest double."""
        return bson_bytes.pack_double(float(f"{self.coefficient(raw)}e-{self.scale}"))


def decimal(precision: int, scale: int) -> Decimal | DecimalString:
    """Return the default encoder: Decimal128 if the digits fit, else a string."""
    wire = Wire(byte_size(precision, scale))
    if precision > bson_bytes.MAX_DIGITS:
        return DecimalString(wire, precision, scale)
    return Decimal(wire, precision, scale)
