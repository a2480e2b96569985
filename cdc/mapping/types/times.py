"""TIME as the string that SELECT prints.

Format: `my_time_packed_to_binary` in MySQL's `mysys/my_time.cc`: 3 big-endian bytes (1 bit sign,
1 unused, 10 hour, 6 minute, 6 second) and the fraction of 0 to 3 bytes, all of it one number that
is stored with an offset, so that it sorts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cdc.mapping import bson_bytes
from cdc.mapping.types.encoder import Typed

WHOLE_BYTES = 3
MAX_HOUR = 838


@dataclass(frozen=True, slots=True)
class Time(Typed):
    """A TIME(`scale`): `[-]hh:mm:ss[.ffffff]`, up to 838 hours."""

    scale: int

    bson_type: ClassVar[bytes] = bson_bytes.STRING
    injective: ClassVar[bool] = True

    def value(self, raw: bytes) -> bytes:
        """Return the printed time as a BSON string."""
        packed = int.from_bytes(raw, "big") - (1 << 8 * len(raw) - 1)
        sign, packed = ("-", -packed) if packed < 0 else ("", packed)
        fraction_bytes = len(raw) - WHOLE_BYTES
        whole = packed >> 8 * fraction_bytes
        hour, minute, second = whole >> 12, whole >> 6 & 63, whole & 63
        fraction = packed & ((1 << 8 * fraction_bytes) - 1)
        if hour > MAX_HOUR or minute > 59 or second > 59 or fraction >= 100**fraction_bytes:
            raise ValueError("not a time")
        text = f"{sign}{hour:02d}:{minute:02d}:{second:02d}"
        if self.scale:
            text += f".{fraction:0{2 * fraction_bytes}d}"[: self.scale + 1]
        return bson_bytes.string(text.encode())
