"""TINYINT to BIGINT, signed and unsigned, YEAR and BOOL.

In a row image integers are little-endian two's complement of 1, 2, 3, 4 or 8 bytes
(`Field_tiny` to `Field_longlong` in MySQL's `sql/field.h`); YEAR is one byte, years since 1900,
0 for the year 0000.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cdc.mapping import bson_bytes
from cdc.mapping.codegen.emitter import Emitter, Part, Size, Value
from cdc.mapping.types.encoder import Encoder, Raw, Typed, Wire

SIGN_BIT = 0x80
YEAR_ORIGIN = 1900


def _extensions(width: int) -> tuple[bytes, ...]:
    """Return, for each value of the highest byte, the `width` bytes that extend its sign."""
    return (bytes(width),) * SIGN_BIT + (b"\xff" * width,) * SIGN_BIT


EXTENSIONS = {width: _extensions(width) for width in range(1, 4)}


@dataclass(frozen=True, slots=True)
class Integer(Encoder):
    """An integer of `wire.size` bytes; int32 if the column's range fits, else int64."""

    unsigned: bool

    injective: ClassVar[bool] = True

    @property
    def usual_type(self) -> bytes:
        """The type of every value: int32 or int64, by the column's range."""
        return bson_bytes.INT64 if self.width == 8 else bson_bytes.INT32

    @property
    def width(self) -> int:
        """The bytes of the BSON value."""
        return 8 if self.wire.size == 8 or (self.unsigned and self.wire.size == 4) else 4

    def convert(self, raw: bytes) -> tuple[bytes, bytes]:
        """Return the int32 or int64; a BIGINT UNSIGNED beyond int64 becomes Decimal128."""
        value = int.from_bytes(raw, "little", signed=not self.unsigned)
        if self.width == 4:
            return bson_bytes.INT32, bson_bytes.pack_int32(value)
        return bson_bytes.long_integer(value)

    def emit(self, code: Emitter, raw: Raw) -> Value:
        """Copy the bytes and extend them to the width."""
        missing = self.width - self.wire.size
        parts: tuple[Part, ...] = (raw.name,)
        if self.unsigned and self.wire.size == 8:
            code.line(f"if {raw.name}[7] > 127: raise OverflowError")
        if missing and self.unsigned:
            parts += (bytes(missing),)
        elif missing:
            table = code.bind(f"SIGNS_{missing}", EXTENSIONS[missing])
            parts += (f"{table}[{raw.name}[{self.wire.size - 1}]]",)
        return Value(self.usual_type, parts, Size(self.width))


@dataclass(frozen=True, slots=True)
class WideInteger(Encoder):
    """Any integer as int64 (`type: int64`)."""

    unsigned: bool

    injective: ClassVar[bool] = True

    @property
    def usual_type(self) -> bytes:
        """The type below 2^63: int64."""
        return bson_bytes.INT64

    def convert(self, raw: bytes) -> tuple[bytes, bytes]:
        """Return the int64, or a Decimal128 beyond its range."""
        return bson_bytes.long_integer(int.from_bytes(raw, "little", signed=not self.unsigned))


@dataclass(frozen=True, slots=True)
class IntegerDouble(Typed):
    """An integer as double (`type: double`), rounded beyond 2^53."""

    unsigned: bool

    bson_type: ClassVar[bytes] = bson_bytes.DOUBLE

    def value(self, raw: bytes) -> bytes:
        """Return the nearest double."""
        number = int.from_bytes(raw, "little", signed=not self.unsigned)
        return bson_bytes.pack_double(float(number))


@dataclass(frozen=True, slots=True)
class IntegerDecimal(Typed):
    """An integer as Decimal128 (`type: decimal`)."""

    unsigned: bool

    bson_type: ClassVar[bytes] = bson_bytes.DECIMAL128
    injective: ClassVar[bool] = True

    def value(self, raw: bytes) -> bytes:
        """Return the Decimal128."""
        number = int.from_bytes(raw, "little", signed=not self.unsigned)
        return bson_bytes.decimal128(number, 0)


@dataclass(frozen=True, slots=True)
class IntegerString(Typed):
    """An integer as its decimal digits (`type: string`)."""

    unsigned: bool

    bson_type: ClassVar[bytes] = bson_bytes.STRING
    injective: ClassVar[bool] = True

    def value(self, raw: bytes) -> bytes:
        """Return the digits as a BSON string."""
        number = int.from_bytes(raw, "little", signed=not self.unsigned)
        return bson_bytes.string(str(number).encode())


BOOLEANS = (b"\x00", *(b"\x01",) * 255)


@dataclass(frozen=True, slots=True)
class Boolean(Typed):
    """An integer as bool (`type: bool`): 0 is false, anything else true, as in SQL."""

    bson_type: ClassVar[bytes] = bson_bytes.BOOLEAN

    @property
    def codes(self) -> str:  # type: ignore[override]
        """The code of one byte, read as an integer; else bytes."""
        return "B" if self.wire.size == 1 else ""

    def value(self, raw: bytes) -> bytes:
        """Return the bool."""
        return b"\x01" if any(raw) else b"\x00"

    def emit(self, code: Emitter, raw: Raw) -> Value:
        """Look up a single byte."""
        if self.wire.size != 1:
            return Typed.emit(self, code, raw)
        table = code.bind("BOOLEANS", BOOLEANS)
        return Value(self.bson_type, (f"{table}[{raw.name}]",), Size(1))


TINY: dict[bool, tuple[bytes, ...]] = {
    unsigned: tuple(
        bson_bytes.pack_int32(byte if unsigned or byte < SIGN_BIT else byte - 256)
        for byte in range(256)
    )
    for unsigned in (False, True)
}


@dataclass(frozen=True, slots=True)
class TinyInteger(Typed):
    """A TINYINT as int32."""

    unsigned: bool

    bson_type: ClassVar[bytes] = bson_bytes.INT32
    injective: ClassVar[bool] = True
    codes: ClassVar[str] = "B"

    def value(self, raw: bytes) -> bytes:
        """Return the int32."""
        return TINY[self.unsigned][raw[0]]

    def emit(self, code: Emitter, raw: Raw) -> Value:
        """Look up the byte."""
        table = code.bind(f"TINY_{'U' if self.unsigned else 'S'}", TINY[self.unsigned])
        return Value(self.bson_type, (f"{table}[{raw.name}]",), Size(4))


YEARS = tuple(bson_bytes.pack_int32(byte and byte + YEAR_ORIGIN) for byte in range(256))


@dataclass(frozen=True, slots=True)
class Year(Typed):
    """A YEAR as int32."""

    bson_type: ClassVar[bytes] = bson_bytes.INT32
    injective: ClassVar[bool] = True
    codes: ClassVar[str] = "B"

    def value(self, raw: bytes) -> bytes:
        """Return the year as int32."""
        return YEARS[raw[0]]

    def emit(self, code: Emitter, raw: Raw) -> Value:
        """Look up the byte."""
        table = code.bind("YEARS", YEARS)
        return Value(self.bson_type, (f"{table}[{raw.name}]",), Size(4))


def integer(size: int, *, unsigned: bool) -> Encoder:
    """Return the default encoder of an integer column of `size` bytes."""
    if size == 1:
        return TinyInteger(Wire(size), unsigned)
    return Integer(Wire(size), unsigned)
