"""BIT: big-endian bytes, the highest bits unused (`Field_bit_as_char` in MySQL's `sql/field.h`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cdc.mapping import bson_bytes
from cdc.mapping.types.encoder import Encoder, Typed


@dataclass(frozen=True, slots=True)
class Bit(Typed):
    """A BIT(1) as bool."""

    bson_type: ClassVar[bytes] = bson_bytes.BOOLEAN
    injective: ClassVar[bool] = True

    def value(self, raw: bytes) -> bytes:
        """Return the bool; raises ValueError for other bits."""
        if raw > b"\x01":
            raise ValueError("more bits than the BIT has")
        return raw


@dataclass(frozen=True, slots=True)
class Bits(Encoder):
    """A BIT(`count`) as int64, or Decimal128 above its range."""

    count: int

    injective: ClassVar[bool] = True

    @property
    def usual_type(self) -> bytes:
        """The type below the highest bit: int64."""
        return bson_bytes.INT64

    def convert(self, raw: bytes) -> tuple[bytes, bytes]:
        """Return an int64, or a Decimal128 above its range."""
        number = int.from_bytes(raw, "big")
        if number >> self.count:
            raise ValueError("more bits than the BIT has")
        return bson_bytes.long_integer(number)
