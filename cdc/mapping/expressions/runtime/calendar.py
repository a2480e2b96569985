"""Calendar functions: seconds since 1970, and dates printed by a format."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from cdc.mapping.expressions.errors import ExpressionError
from cdc.mapping.expressions.runtime.moments import Parts, ordinal, unpack

EPOCH: Final = date(1970, 1, 1).toordinal()
DAY_SECONDS: Final = 86_400
MYSQL_END: Final = int(datetime(3001, 1, 19, tzinfo=UTC).timestamp())
MARIADB_END: Final = 1 << 32
"""The first second beyond UNIX_TIMESTAMP: of MySQL since 8.0.28, of MariaDB 11.5."""

MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FEBRUARY: Final = 2
SUFFIXES: Final = {1: "st", 2: "nd", 3: "rd"}


def _seconds(packed: int) -> tuple[int, int] | None:
    """Return seconds and microseconds since 1970; None for a day of no calendar."""
    day = ordinal(packed)
    if day is None:
        return None
    parts = unpack(packed)
    clock = parts.hour * 3600 + parts.minute * 60 + parts.second
    return (day - EPOCH) * DAY_SECONDS + clock, parts.microsecond


def _scaled(seconds: int, microsecond: int, scale: int) -> int | Decimal:
    if not scale:
        return seconds
    # As many digits as the servers keep themselves: a quotient's digits depend on them.
    return Decimal(f"{seconds}.{microsecond:06d}") if microsecond else Decimal(seconds)


def unix_mysql(packed: int, scale: int) -> int | Decimal:
    """Return the seconds since 1970 in UTC; 0 outside what MySQL converts."""
    found = _seconds(packed)
    if found is None or not 0 <= found[0] < MYSQL_END:
        return _scaled(0, 0, scale)
    return _scaled(*found, scale)


def unix_mariadb(packed: int, scale: int) -> int | Decimal | None:
    """Return the seconds since 1970 in UTC; None outside what MariaDB converts."""
    found = _seconds(packed)
    if found is None or not 0 <= found[0] < MARIADB_END or found == (0, 0):
        return None
    return _scaled(*found, scale)


class Unprintable(ValueError):
    """The date has no name of a day or month."""


def printer(form: str, *, mariadb: bool = False) -> Callable[[int], str | None]:
    """Return a printer of dates by a format of DATE_FORMAT; it returns None if there is no name."""
    pieces = _pieces(form, PIECES | MARIADB if mariadb else PIECES)

    def printed(packed: int) -> str | None:
        parts = unpack(packed)
        try:
            return "".join([piece(parts) if callable(piece) else piece for piece in pieces])
        except Unprintable:
            return None

    return printed


Piece = str | Callable[[Parts], str]


def _pieces(form: str, letters: dict[str, Callable[[Parts], str]]) -> list[Piece]:
    pieces: list[Piece] = []
    characters = iter(form)
    for character in characters:
        if character != "%":
            pieces.append(character)
            continue
        letter = next(characters, "")
        if not letter:
            raise ExpressionError("a format of DATE_FORMAT ends in %")
        if letter in "uUvVxX":
            raise ExpressionError(f"%{letter} of DATE_FORMAT (weeks) is outside the subset")
        if letter in "zZ":  # MariaDB's since 11.3, a mere letter elsewhere
            raise ExpressionError(f"%{letter} of DATE_FORMAT (time zones) is outside the subset")
        pieces.append(letters.get(letter, letter))
    return pieces


def _month(parts: Parts) -> str:
    if not parts.month:
        raise Unprintable
    return MONTHS[parts.month - 1]


def _day_number(year: int, month: int, day: int) -> int:
    """Count days as `calc_daynr` in MySQL's `my_time.cc` does, partial dates too."""
    if not (year or month):
        return 0
    days = 365 * year + 31 * (month - 1) + day
    if month <= FEBRUARY:
        year -= 1
    else:
        days -= (month * 4 + 23) // 10
    return days + _quotient(year, 4) - _quotient((_quotient(year, 100) + 1) * 3, 4)


def _quotient(one: int, other: int) -> int:
    """Divide as C does."""
    return int(math.copysign(abs(one) // other, one))


def _weekday(parts: Parts) -> int:
    if not (parts.month or parts.year):
        raise Unprintable
    return (_day_number(parts.year, parts.month, parts.day) + 5) % 7


def _suffixed(day: int) -> str:
    return f"{day}{SUFFIXES.get(day % 10, 'th') if day not in (11, 12, 13) else 'th'}"


def _hour12(parts: Parts) -> int:
    return (parts.hour + 11) % 12 + 1


def _of_year(parts: Parts) -> str:
    days = _day_number(parts.year, parts.month, parts.day) - _day_number(parts.year, 1, 1) + 1
    return f"{days:03d}"


def _of_whole_year(parts: Parts) -> str:
    """Return the day of the year as MariaDB does: none without a month or a year."""
    if not (parts.year and parts.month):
        raise Unprintable
    return _of_year(parts)


def _clock(parts: Parts) -> str:
    return f"{parts.hour:02d}:{parts.minute:02d}:{parts.second:02d}"


def _clock12(parts: Parts) -> str:
    half = "AM" if parts.hour < 12 else "PM"
    return f"{_hour12(parts):02d}:{parts.minute:02d}:{parts.second:02d} {half}"


PIECES: Final[dict[str, Callable[[Parts], str]]] = {
    "a": lambda parts: DAYS[_weekday(parts)][:3],
    "b": lambda parts: _month(parts)[:3],
    "c": lambda parts: str(parts.month),
    "D": lambda parts: _suffixed(parts.day),
    "d": lambda parts: f"{parts.day:02d}",
    "e": lambda parts: str(parts.day),
    "f": lambda parts: f"{parts.microsecond:06d}",
    "H": lambda parts: f"{parts.hour:02d}",
    "h": lambda parts: f"{_hour12(parts):02d}",
    "I": lambda parts: f"{_hour12(parts):02d}",
    "i": lambda parts: f"{parts.minute:02d}",
    "j": _of_year,
    "k": lambda parts: str(parts.hour),
    "l": lambda parts: str(_hour12(parts)),
    "M": _month,
    "m": lambda parts: f"{parts.month:02d}",
    "p": lambda parts: "AM" if parts.hour < 12 else "PM",
    "r": _clock12,
    "S": lambda parts: f"{parts.second:02d}",
    "s": lambda parts: f"{parts.second:02d}",
    "T": _clock,
    "W": lambda parts: DAYS[_weekday(parts)],
    "w": lambda parts: str((_weekday(parts) + 1) % 7),
    "Y": lambda parts: f"{parts.year:04d}",
    "y": lambda parts: f"{parts.year % 100:02d}",
}
MARIADB: Final = {"j": _of_whole_year}
