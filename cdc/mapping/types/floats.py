"""FLOAT and DOUBLE, which are IEEE 754 little-endian in a row image (`Field_float::pack`)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar

from cdc.mapping import bson_bytes
from cdc.mapping.codegen.emitter import Emitter, Size, Value
from cdc.mapping.types.cache import Cache
from cdc.mapping.types.encoder import Raw, Typed

FLOAT = struct.Struct("<f")
DOUBLE = struct.Struct("<d")
SINGLE_DIGITS = range(6, 10)
"""A single needs between 6 and 9 significant digits to read back."""


def shortest(raw: bytes) -> float:
    """Return the double of the fewest decimal digits that read back as the single in `raw`."""
    (value,) = FLOAT.unpack(raw)
    for digits in SINGLE_DIGITS:
        candidate = float(f"{value:.{digits}g}")
        try:
            if FLOAT.pack(candidate) == raw:
                return candidate
        except OverflowError:
            continue
    return float(value)


@dataclass(frozen=True, slots=True)
class Double(Typed):
    """A DOUBLE as it is."""

    bson_type: ClassVar[bytes] = bson_bytes.DOUBLE

    def value(self, raw: bytes) -> bytes:
        """Return the bytes as they are."""
        return raw

    def emit(self, code: Emitter, raw: Raw) -> Value:
        """Copy the bytes."""
        return Value(self.bson_type, (raw.name,), Size(8))


SINGLES: Cache[bytes, bytes] = Cache(lambda raw: bson_bytes.pack_double(shortest(raw)))


@dataclass(frozen=True, slots=True)
class Single(Typed):
    """A FLOAT as the double that prints like it."""

    bson_type: ClassVar[bytes] = bson_bytes.DOUBLE

    def value(self, raw: bytes) -> bytes:
        """Return the double that prints like the single."""
        return SINGLES[raw]

    def emit(self, code: Emitter, raw: Raw) -> Value:
        """Look up the four bytes among recent ones."""
        table = code.bind("SINGLES", SINGLES)
        return Value(self.bson_type, (f"{table}[{raw.name}]",), Size(8))


@dataclass(frozen=True, slots=True)
class FloatString(Typed):
    """A FLOAT or DOUBLE as the shortest decimal that reads back (`type: string`)."""

    bson_type: ClassVar[bytes] = bson_bytes.STRING

    def value(self, raw: bytes) -> bytes:
        """Return the shortest decimal as a BSON string."""
        number = shortest(raw) if len(raw) == FLOAT.size else DOUBLE.unpack(raw)[0]
        return bson_bytes.string(repr(number).encode())
