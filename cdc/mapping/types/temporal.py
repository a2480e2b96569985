"""DATE, DATETIME and TIMESTAMP as BSON dates, milliseconds since 1970 in UTC.

Formats: `my_datetime_packed_to_binary`, `my_timestamp_to_binary` in MySQL's
`mysys/my_time.cc`, `Field_newdate::store_internal` in `sql/field.cc`.
DATETIME is 5 big-endian bytes: 1 bit sign (always set), 17 bits year × 13 + month, 5 day,
5 hour, 6 minute, 6 second. TIMESTAMP is 4 big-endian bytes, unsigned seconds. Both are followed
by the fraction: 0 to 3 bytes for 0 to 6 digits, in hundredths, ten-thousandths or millionths.
DATE is 3 little-endian bytes: 5 bits day, 4 month, 15 year.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import ClassVar

from cdc.mapping import bson_bytes
from cdc.mapping.codegen.emitter import Emitter, Size, Value
from cdc.mapping.types.cache import Cache
from cdc.mapping.types.encoder import Encoder, Raw

UNIX_EPOCH_DAY = date(1970, 1, 1).toordinal()
DAY_MILLISECONDS = 86_400_000
FRACTION_CODES = ("", "B", "H", "HB")
"""The struct codes of a fraction of so many bytes, behind a four-byte integer."""
EXACT_DIGITS = 3
"""The digits of the second that a BSON date holds."""
CYCLE_YEARS = 400
CYCLE_DAYS = 146_097
"""The days after which the calendar repeats: Python's has no year 0, so 400 stands for it."""

Report = Callable[[str], None]
"""Counts a loss by its reason."""

ZERO_DATE = "zero_date"


class PartialDate(ValueError):
    """A date with a zero year, month or day, or one that no calendar has."""


def day_milliseconds(year: int, month: int, day: int) -> int:
    """Return the milliseconds from the epoch to that day; raises PartialDate.

    The year 0 is that of ISO 8601, which has a 29 February, as every multiple of 400.
    """
    try:
        if year:
            ordinal = date(year, month, day).toordinal()
        else:
            ordinal = date(CYCLE_YEARS, month, day).toordinal() - CYCLE_DAYS
    except ValueError as error:
        raise PartialDate("not a date of the calendar") from error
    return (ordinal - UNIX_EPOCH_DAY) * DAY_MILLISECONDS


def _hour_milliseconds(packed: int) -> int:
    """Return the milliseconds from the epoch to the hour in a DATETIME's highest 28 bits."""
    year_month, day, hour = packed >> 10 & 0x1FFFF, packed >> 5 & 0x1F, packed & 0x1F
    if packed >> 27 != 1 or hour > 23:
        raise ValueError("not a DATETIME")
    return day_milliseconds(*divmod(year_month, 13), day) + hour * 3_600_000


HOURS: Cache[int, int] = Cache(_hour_milliseconds)
SECONDS: dict[int, int] = {
    minute << 6 | second: (minute * 60 + second) * 1000
    for minute in range(60)
    for second in range(60)
}


def fraction_microseconds(raw: bytes) -> int:
    """Return the microseconds of a fraction of a second in 0 to 3 big-endian bytes."""
    return int.from_bytes(raw, "big") * 10 ** (6 - 2 * len(raw)) if raw else 0


def date_parts(raw: bytes) -> tuple[int, int, int]:
    """Return year, month and day of a DATE's bytes."""
    packed = int.from_bytes(raw, "little")
    return packed >> 9, packed >> 5 & 0xF, packed & 0x1F


def datetime_parts(raw: bytes) -> tuple[int, int, int, int, int, int]:
    """Return year, month, day, hour, minute and second of a DATETIME's bytes."""
    packed = int.from_bytes(raw[:5], "big")
    year, month = divmod(packed >> 22 & 0x1FFFF, 13)
    clock = packed >> 12 & 0x1F, packed >> 6 & 0x3F, packed & 0x3F
    return year, month, packed >> 17 & 0x1F, *clock


def fraction_digits(microseconds: int, scale: int) -> str:
    """Return the fraction of a second as SELECT prints it, with its point."""
    return f".{microseconds:06d}"[: scale + 1] if scale else ""


def _zero(report: Report) -> tuple[bytes, bytes]:
    report(ZERO_DATE)
    return bson_bytes.NULL, b""


@dataclass(frozen=True, slots=True)
class DateTime(Encoder):
    """A DATETIME, taken as UTC; zero and partial dates become null."""

    scale: int
    report: Report

    bson_type: ClassVar[bytes] = bson_bytes.DATE

    @property
    def injective(self) -> bool:  # type: ignore[override]
        """Whether milliseconds hold all the digits."""
        return self.scale <= EXACT_DIGITS

    @property
    def codes(self) -> str:  # type: ignore[override]
        """The highest four bytes, then the rest."""
        return {5: "IB", 6: "IH", 7: "IHB", 8: "Q"}[self.wire.size]

    def convert(self, raw: bytes) -> tuple[bytes, bytes]:
        """Return a date, or null for a zero or partial date."""
        packed = int.from_bytes(raw[:5], "big")
        try:
            seconds = HOURS[packed >> 12] + SECONDS[packed & 0xFFF]
        except PartialDate:
            return _zero(self.report)
        milliseconds = seconds + fraction_microseconds(raw[5:]) // 1000
        return bson_bytes.DATE, bson_bytes.pack_int64(milliseconds)

    def emit(self, code: Emitter, raw: Raw) -> Value:
        """Add the hour, the seconds within it and the fraction."""
        hours, seconds = code.bind("HOURS", HOURS), code.bind("SECONDS", SECONDS)
        hour, second, fraction = _datetime_pieces(raw.names)
        pack = code.bind("pack_int64", bson_bytes.pack_int64)
        name = f"v_{raw.names[0]}"
        code.line(f"{name} = {pack}({hours}[{hour}] + {seconds}[{second}]{fraction})")
        return Value(self.bson_type, (name,), Size(8))


def _datetime_pieces(names: tuple[str, ...]) -> tuple[str, str, str]:
    """Return expressions for the keys of HOURS and SECONDS and for the milliseconds to add."""
    if len(names) == 1:
        v = names[0]
        return f"{v} >> 36", f"{v} >> 24 & 4095", f" + ({v} & 16777215) // 1000"
    high, low = names[:2]
    if len(names) == 3:
        fraction = f" + (({low} & 255) << 8 | {names[2]}) // 10"
        return f"{high} >> 4", f"({high} & 15) << 8 | {low} >> 8", fraction
    if low.endswith("B"):
        return f"{high} >> 4", f"({high} & 15) << 8 | {low}", ""
    return f"{high} >> 4", f"({high} & 15) << 8 | {low} >> 8", f" + ({low} & 255) * 10"


@dataclass(frozen=True, slots=True)
class Timestamp(Encoder):
    """A TIMESTAMP; the zero timestamp becomes null.

    The zero timestamp has neither seconds nor a fraction: MariaDB also stores moments within the
    first second of 1970.
    """

    scale: int
    report: Report

    bson_type: ClassVar[bytes] = bson_bytes.DATE

    @property
    def injective(self) -> bool:  # type: ignore[override]
        """Whether milliseconds hold all the digits."""
        return self.scale <= EXACT_DIGITS

    @property
    def codes(self) -> str:  # type: ignore[override]
        """The seconds, then the fraction."""
        return "I" + FRACTION_CODES[self.wire.size - 4]

    def convert(self, raw: bytes) -> tuple[bytes, bytes]:
        """Return a date, or null for the zero timestamp."""
        if not any(raw):
            return _zero(self.report)
        seconds = int.from_bytes(raw[:4], "big")
        milliseconds = seconds * 1000 + fraction_microseconds(raw[4:]) // 1000
        return bson_bytes.DATE, bson_bytes.pack_int64(milliseconds)

    def emit(self, code: Emitter, raw: Raw) -> Value:
        """Add the seconds and the fraction."""
        pack = code.bind("pack_int64", bson_bytes.pack_int64)
        seconds, *fraction = raw.names
        code.line(f"if not {seconds}: raise ValueError")
        rest = _timestamp_fraction(fraction, self.wire.size - 4)
        name = f"v_{seconds}"
        code.line(f"{name} = {pack}({seconds} * 1000{rest})")
        return Value(self.bson_type, (name,), Size(8))


def _timestamp_fraction(names: list[str], size: int) -> str:
    """Return an expression for the milliseconds to add, from a fraction of `size` bytes."""
    match size:
        case 1:
            return f" + {names[0]} * 10"
        case 2:
            return f" + {names[0]} // 10"
        case 3:
            return f" + ({names[0]} << 8 | {names[1]}) // 1000"
    return ""


def _date(raw: bytes) -> bytes:
    return bson_bytes.pack_int64(day_milliseconds(*date_parts(raw)))


DATES: Cache[bytes, bytes] = Cache(_date)


@dataclass(frozen=True, slots=True)
class Date(Encoder):
    """A DATE as its midnight; zero and partial dates become null."""

    report: Report

    bson_type: ClassVar[bytes] = bson_bytes.DATE
    injective: ClassVar[bool] = True

    def convert(self, raw: bytes) -> tuple[bytes, bytes]:
        """Return the midnight, or null for a zero or partial date."""
        try:
            return bson_bytes.DATE, DATES[raw]
        except PartialDate:
            return _zero(self.report)

    def emit(self, code: Emitter, raw: Raw) -> Value:
        """Look up the day."""
        table = code.bind("DATES", DATES)
        code.line(f"v_{raw.name} = {table}[{raw.name}]")
        return Value(self.bson_type, (f"v_{raw.name}",), Size(8))


@dataclass(frozen=True, slots=True)
class DateTimeString(Encoder):
    """A DATETIME as SELECT prints it, zeros and all (`type: string`)."""

    scale: int

    bson_type: ClassVar[bytes] = bson_bytes.STRING
    injective: ClassVar[bool] = True

    def convert(self, raw: bytes) -> tuple[bytes, bytes]:
        """Return the printed datetime as a BSON string."""
        year, month, day, hour, minute, second = datetime_parts(raw)
        text = f"{year:04d}-{month:02d}-{day:02d} {hour:02d}:{minute:02d}:{second:02d}"
        digits = fraction_digits(fraction_microseconds(raw[5:]), self.scale)
        return bson_bytes.STRING, bson_bytes.string((text + digits).encode())


@dataclass(frozen=True, slots=True)
class TimestampString(Encoder):
    """A TIMESTAMP as SELECT prints it in UTC (`type: string`)."""

    scale: int

    bson_type: ClassVar[bytes] = bson_bytes.STRING
    injective: ClassVar[bool] = True

    def convert(self, raw: bytes) -> tuple[bytes, bytes]:
        """Return the printed timestamp as a BSON string."""
        seconds = int.from_bytes(raw[:4], "big")
        text = "0000-00-00 00:00:00"
        if any(raw):
            text = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"
        digits = fraction_digits(fraction_microseconds(raw[4:]), self.scale)
        return bson_bytes.STRING, bson_bytes.string((text + digits).encode())


@dataclass(frozen=True, slots=True)
class DateString(Encoder):
    """A DATE as SELECT prints it (`type: string`)."""

    bson_type: ClassVar[bytes] = bson_bytes.STRING
    injective: ClassVar[bool] = True

    def convert(self, raw: bytes) -> tuple[bytes, bytes]:
        """Return the printed date as a BSON string."""
        year, month, day = date_parts(raw)
        text = f"{year:04d}-{month:02d}-{day:02d}"
        return bson_bytes.STRING, bson_bytes.string(text.encode())
