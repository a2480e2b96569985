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
from cdc.mapping.types.temporal import fraction_digits

WHOLE_BYTES = 3
MAX_HOUR = 838
SECOND_MICROSECONDS = 1_000_000


def time_parts(raw: bytes) -> tuple[int, int, int]:
    """Return the sign, 1 or -1, hour, minute and second packed as in the bytes, and microseconds.

    The hour is above the lowest twelve bits, then six of the minute and six of the second.
    """
    packed = int.from_bytes(raw, "big") - (1 << 8 * len(raw) - 1)
    size = len(raw) - WHOLE_BYTES
    whole, fraction = abs(packed) >> 8 * size, abs(packed) & ((1 << 8 * size) - 1)
    return -1 if packed < 0 else 1, whole, fraction * int(10 ** (6 - 2 * size))


@dataclass(frozen=True, slots=True)
class Time(Typed):
    """A TIME(`scale`): `[-]hh:mm:ss[.ffffff]`, up to 838 hours."""

    scale: int

    bson_type: ClassVar[bytes] = bson_bytes.STRING
    injective: ClassVar[bool] = True

    def value(self, raw: bytes) -> bytes:
        """Return the printed time as a BSON string."""
        sign, whole, microseconds = time_parts(raw)
        hour, minute, second = whole >> 12, whole >> 6 & 63, whole & 63
        if hour > MAX_HOUR or minute > 59 or second > 59 or microseconds >= SECOND_MICROSECONDS:
            raise ValueError("not a time")
        text = f"{'-' * (sign < 0)}{hour:02d}:{minute:02d}:{second:02d}"
        return bson_bytes.string((text + fraction_digits(microseconds, self.scale)).encode())
