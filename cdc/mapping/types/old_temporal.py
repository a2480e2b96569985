"""TIME, DATETIME and TIMESTAMP as servers before MySQL 5.6 stored them, without fractions.

Formats: `Field_time`, `Field_datetime` and `Field_timestamp` in MariaDB's `sql/field.cc`: the
decimal digits hhmmss in 3 little-endian bytes, signed; yyyymmddhhmmss in 8; seconds since 1970
in 4. Tables keep these forms until they are rebuilt.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from cdc.mapping import bson_bytes
from cdc.mapping.types.encoder import Encoder, Typed
from cdc.mapping.types.temporal import ZERO_DATE, PartialDate, Report, day_milliseconds

Encoded = tuple[bytes, bytes]


def _clock(digits: int) -> tuple[int, int, int]:
    hours_and_minutes, second = divmod(digits, 100)
    hour, minute = divmod(hours_and_minutes, 100)
    if minute > 59 or second > 59:
        raise ValueError("not a time")
    return hour, minute, second


@dataclass(frozen=True, slots=True)
class OldTime(Typed):
    """A TIME as the string that SELECT prints."""

    bson_type: ClassVar[bytes] = bson_bytes.STRING
    injective: ClassVar[bool] = True

    def value(self, raw: bytes) -> bytes:
        """Return the printed time as a BSON string."""
        digits = int.from_bytes(raw, "little", signed=True)
        hour, minute, second = _clock(abs(digits))
        text = f"{'-' * (digits < 0)}{hour:02d}:{minute:02d}:{second:02d}"
        return bson_bytes.string(text.encode())


def _datetime(raw: bytes) -> tuple[int, int, int, int, int, int]:
    day_digits, clock_digits = divmod(int.from_bytes(raw, "little"), 1_000_000)
    year_and_month, day = divmod(day_digits, 100)
    return (*divmod(year_and_month, 100), day, *_clock(clock_digits))


@dataclass(frozen=True, slots=True)
class OldDateTime(Encoder):
    """A DATETIME, taken as UTC; zero and partial dates become null."""

    report: Report

    bson_type: ClassVar[bytes] = bson_bytes.DATE
    injective: ClassVar[bool] = True

    def convert(self, raw: bytes) -> Encoded:
        """Return a date, or null for a zero or partial date."""
        year, month, day, hour, minute, second = _datetime(raw)
        try:
            midnight = day_milliseconds(year, month, day)
        except PartialDate:
            self.report(ZERO_DATE)
            return bson_bytes.NULL, b""
        milliseconds = midnight + ((hour * 60 + minute) * 60 + second) * 1000
        return bson_bytes.DATE, bson_bytes.pack_int64(milliseconds)


@dataclass(frozen=True, slots=True)
class OldDateTimeString(Typed):
    """A DATETIME as SELECT prints it (`type: string`)."""

    bson_type: ClassVar[bytes] = bson_bytes.STRING
    injective: ClassVar[bool] = True

    def value(self, raw: bytes) -> bytes:
        """Return the printed datetime as a BSON string."""
        year, month, day, hour, minute, second = _datetime(raw)
        text = f"{year:04d}-{month:02d}-{day:02d} {hour:02d}:{minute:02d}:{second:02d}"
        return bson_bytes.string(text.encode())


@dataclass(frozen=True, slots=True)
class OldTimestamp(Encoder):
    """A TIMESTAMP; the zero timestamp becomes null."""

    report: Report

    bson_type: ClassVar[bytes] = bson_bytes.DATE
    injective: ClassVar[bool] = True

    def convert(self, raw: bytes) -> Encoded:
        """Return a date, or null for the zero timestamp."""
        seconds = int.from_bytes(raw, "little")
        if not seconds:
            self.report(ZERO_DATE)
            return bson_bytes.NULL, b""
        return bson_bytes.DATE, bson_bytes.pack_int64(seconds * 1000)


@dataclass(frozen=True, slots=True)
class OldTimestampString(Typed):
    """A TIMESTAMP as SELECT prints it in UTC (`type: string`)."""

    bson_type: ClassVar[bytes] = bson_bytes.STRING
    injective: ClassVar[bool] = True

    def value(self, raw: bytes) -> bytes:
        """Return the printed timestamp as a BSON string."""
        seconds = int.from_bytes(raw, "little")
        text = "0000-00-00 00:00:00"
        if seconds:
            text = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"
        return bson_bytes.string(text.encode())
