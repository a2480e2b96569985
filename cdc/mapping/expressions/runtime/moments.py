"""Dates and times as the integers that the servers sort them by.

A date or a datetime is ((year × 13 + month) × 32 + day) × 2^17 + (hour, minute, second in 5, 6 and
6 bits), × 2^24, + microseconds: `TIME_to_longlong_datetime_packed` in MySQL's `my_time.cc`. So
zero and partial dates are numbers like any other. A time is hour, minute and second in 10, 6 and 6
bits, × 2^24, + microseconds, with a sign.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

FRACTION_BITS: Final = 24
DAY_BITS: Final = 17 + FRACTION_BITS
MONTHS: Final = 13
MICROSECONDS: Final = (1 << FRACTION_BITS) - 1
_TEXT: Final = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})(?: (\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?)?", re.ASCII
)
_TIME: Final = re.compile(r"(-?)(\d{2,3}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?", re.ASCII)
MAX_HOURS: Final = 838
EPOCH: Final = date(1970, 1, 1).toordinal()


class Parts(NamedTuple):
    """The parts of a date and a time of day."""

    year: int
    month: int
    day: int
    hour: int = 0
    minute: int = 0
    second: int = 0
    microsecond: int = 0


def pack(parts: Parts) -> int:
    """Return the integer of a date or a datetime."""
    day = (parts.year * MONTHS + parts.month) << 5 | parts.day
    clock = parts.hour << 12 | parts.minute << 6 | parts.second
    return (day << 17 | clock) << FRACTION_BITS | parts.microsecond


def unpack(packed: int) -> Parts:
    """Return the parts of a date or a datetime."""
    day, clock = packed >> DAY_BITS, packed >> FRACTION_BITS
    year, month = divmod(day >> 5, MONTHS)
    return Parts(
        year,
        month,
        day & 31,
        clock >> 12 & 31,
        clock >> 6 & 63,
        clock & 63,
        packed & MICROSECONDS,
    )


def day_of(packed: int) -> int:
    """Return the date of a datetime, as an integer."""
    return packed >> DAY_BITS << DAY_BITS


def year_of(packed: int) -> int:
    """Return the year of a date or a datetime."""
    return (packed >> DAY_BITS + 5) // MONTHS


def ordinal(packed: int) -> int | None:
    """Return the day's number in Python's calendar; None for a day of no calendar."""
    parts = unpack(packed)
    try:
        return date(parts.year, parts.month, parts.day).toordinal()
    except ValueError:
        return None


def read(text: str) -> tuple[int, int] | None:
    """Return the integer of a canonical date or datetime and the digits of its second.

    The digits are -1 for a date; None for other texts and for days of no calendar.
    """
    match = _TEXT.fullmatch(text)
    if not match:
        return None
    year, month, day, hour, minute, second = (int(one or 0) for one in match.groups()[:6])
    fraction = match[7] or ""
    microsecond = int(fraction.ljust(6, "0"))
    packed = pack(Parts(year, month, day, hour, minute, second, microsecond))
    if ordinal(packed) is None or hour > 23 or minute > 59 or second > 59:
        return None
    return packed, len(fraction) if match[4] else -1


def read_time(text: str) -> tuple[int, int] | None:
    """Return the integer of a canonical time and the digits of its second; None for other texts."""
    match = _TIME.fullmatch(text)
    if not match:
        return None
    hour, minute, second = (int(one) for one in match.groups()[1:4])
    if hour > MAX_HOURS or minute > 59 or second > 59:
        return None
    fraction = match[5] or ""
    whole = (hour << 12 | minute << 6 | second) << FRACTION_BITS
    packed = whole | (int(fraction.ljust(6, "0")) if fraction else 0)
    return (-packed if match[1] else packed), len(fraction)


def date_text(packed: int) -> str:
    """Print a date as SELECT does."""
    parts = unpack(packed)
    return f"{parts.year:04d}-{parts.month:02d}-{parts.day:02d}"


def datetime_text(packed: int, scale: int) -> str:
    """Print a datetime as SELECT does."""
    parts = unpack(packed)
    clock = f"{parts.hour:02d}:{parts.minute:02d}:{parts.second:02d}"
    return f"{date_text(packed)} {clock}{_fraction(parts.microsecond, scale)}"


def time_text(packed: int, scale: int) -> str:
    """Print a time as SELECT does."""
    sign, packed = ("-", -packed) if packed < 0 else ("", packed)
    whole = packed >> FRACTION_BITS
    clock = f"{whole >> 12:02d}:{whole >> 6 & 63:02d}:{whole & 63:02d}"
    return f"{sign}{clock}{_fraction(packed & MICROSECONDS, scale)}"


def _fraction(microseconds: int, scale: int) -> str:
    return f".{microseconds:06d}"[: scale + 1] if scale else ""


def cut(packed: int, scale: int) -> int:
    """Drop the digits of the second behind `scale`, as MariaDB casts."""
    microsecond = packed & MICROSECONDS
    return packed - microsecond % int(10 ** (6 - scale))


def rounded(packed: int, scale: int) -> int | None:
    """Round to `scale` digits of the second, as MySQL casts; None beyond the year 9999."""
    unit = int(10 ** (6 - scale))
    rest = (packed & MICROSECONDS) % unit
    down = packed - rest
    if 2 * rest < unit:
        return down
    up = (down & MICROSECONDS) + unit
    return down + unit if up < 1_000_000 else _next_second(down & ~MICROSECONDS)


def _next_second(packed: int) -> int | None:
    day = ordinal(packed)
    parts = unpack(packed)
    try:
        moment = datetime(*parts[:6]) + timedelta(seconds=1)
    except (ValueError, OverflowError):
        if day is None:
            return _next_second_of_day(parts)
        return None
    return pack(Parts(*moment.timetuple()[:6]))


def _next_second_of_day(parts: Parts) -> int | None:
    """Count on within a day of no calendar; None at its end."""
    seconds = parts.hour * 3600 + parts.minute * 60 + parts.second + 1
    if seconds == 86_400:
        return None
    hour, rest = divmod(seconds, 3600)
    return pack(parts._replace(hour=hour, minute=rest // 60, second=rest % 60, microsecond=0))


def of_ordinal(days: int) -> int:
    """Return the date, as an integer, that is `days` behind 1970-01-01."""
    day = date.fromordinal(EPOCH + days)
    return pack(Parts(day.year, day.month, day.day))
