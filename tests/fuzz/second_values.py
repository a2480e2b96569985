"""The values of columns, as `docs/mapping.md` says what they become; dates in milliseconds."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

TINY, SHORT, LONG, DOUBLE, LONGLONG, INT24, DATE, YEAR = 1, 2, 3, 5, 8, 9, 10, 13
VARCHAR, BIT, TIMESTAMP, DATETIME, TIME = 15, 16, 17, 18, 19
NEWDECIMAL, ENUM, SET, BLOB, STRING = 246, 247, 248, 252, 254

META: Final = {
    **dict.fromkeys((TINY, SHORT, LONG, LONGLONG, INT24, DATE, YEAR), 0),
    **dict.fromkeys((DOUBLE, TIMESTAMP, DATETIME, TIME, BLOB), 1),
    **dict.fromkeys((VARCHAR, BIT, NEWDECIMAL, STRING), 2),
}
INTEGERS: Final = {TINY: 1, SHORT: 2, INT24: 3, LONG: 4, LONGLONG: 8}
BINARY: Final = 63
UTF8: Final = frozenset({33, 45, 46, 224, 255, 309}) | frozenset(range(2048, 2400))
DIGIT_BYTES: Final = (0, 1, 1, 2, 2, 3, 3, 4, 4)
MONTH_DAYS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

Take = Callable[[int], bytes]


class Unread(Exception):
    """This reading does not know it, and judges nothing from here on."""


class Impossible(Exception):
    """No server writes it: it must be refused by name."""


class Wrong:
    """A value that no column can have: its row must be refused."""

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]


WRONG: Final = Wrong()


@dataclass
class Column:
    """A column; `meta` are the bytes of its type's attributes."""

    code: int
    meta: bytes
    name: str = ""
    nullable: bool = True
    unsigned: bool = False
    collation: int | None = None
    members: list[bytes] = field(default_factory=list)

    @classmethod
    def of(cls, code: int, take: Take) -> Column:
        """Read the attributes of a type."""
        if code not in META:
            raise Unread(f"type {code}")
        meta = take(META[code])
        if code == STRING and meta[0] in (ENUM, SET):
            return cls(meta[0], meta)
        return cls(code, meta)

    @property
    def is_numeric(self) -> bool:
        return self.code in (*INTEGERS, NEWDECIMAL, DOUBLE, YEAR)

    @property
    def is_text(self) -> bool:
        return self.code in (VARCHAR, STRING, BLOB)

    @property
    def is_enumerated(self) -> bool:
        return self.code in (ENUM, SET)

    def decoded(self, raw: bytes) -> Any:
        """Return text, or bytes of a binary string."""
        if self.collation == BINARY:
            return raw
        if self.collation not in UTF8:
            raise Unread(f"collation {self.collation}")
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return WRONG


def value(column: Column, take: Take) -> Any:
    """Read a value that is not NULL; None for what becomes null, WRONG for what no row holds."""
    code, meta = column.code, column.meta
    if code in INTEGERS:
        return int.from_bytes(take(INTEGERS[code]), "little", signed=not column.unsigned)
    if code == DOUBLE:
        return struct.unpack("<d", take(8))[0]
    if code == YEAR:
        raw = take(1)[0]
        return raw + 1900 if raw else 0
    if code == NEWDECIMAL:
        return _decimal(meta[0], meta[1], take)
    if code == DATE:
        packed = int.from_bytes(take(3), "little")
        return _milliseconds(packed >> 9, packed >> 5 & 15, packed & 31)
    if code in (DATETIME, TIMESTAMP):
        return _moment(code, meta[0], take)
    if code == TIME:
        return _time(meta[0], take)
    if code == BIT:
        return _bits(meta[0] + 8 * meta[1], take)
    if code in (ENUM, SET):
        return _members(column, int.from_bytes(take(meta[1]), "little"))
    return _text(column, take)


def _text(column: Column, take: Take) -> Any:
    if column.code == BLOB:
        prefix, length = column.meta[0], 0
        if not 1 <= prefix <= 4:
            raise Impossible("a length of no bytes")
    else:
        length = int.from_bytes(column.meta, "little")
        if column.code == STRING:
            length = column.meta[1] | ((column.meta[0] & 0x30) ^ 0x30) << 4
            if column.meta[0] | 0x30 != STRING:
                raise Unread("another type of string")
        prefix = 2 if length > 255 else 1
    raw = take(int.from_bytes(take(prefix), "little"))
    if column.code == STRING and column.collation == BINARY:
        return raw.ljust(length, b"\0")
    return column.decoded(raw)


def _decimal(precision: int, scale: int, take: Take) -> Any:
    """Read groups of nine digits, and what is left at either end."""
    if not 1 <= precision <= 65 or scale > precision:
        raise Impossible("no such DECIMAL")
    lead, whole = (precision - scale) % 9, (precision - scale) // 9
    last, behind = scale % 9, scale // 9
    sizes = [(lead, DIGIT_BYTES[lead])] * bool(lead) + [(9, 4)] * (whole + behind)
    sizes += [(last, DIGIT_BYTES[last])] * bool(last)
    raw = bytearray(take(sum(size for _, size in sizes)))
    negative = not raw[0] & 0x80
    raw[0] ^= 0x80
    if negative:
        raw = bytearray(each ^ 0xFF for each in raw)
    digits, at = "", 0
    for count, size in sizes:
        group = str(int.from_bytes(raw[at : at + size], "big")).rjust(count, "0")
        if len(group) > count:
            return WRONG
        digits, at = digits + group, at + size
    found = Decimal(f"{'-' * negative}{digits}E-{scale}")
    if precision > 34:
        raise Unread("a DECIMAL that becomes a string")
    return found


def _fraction(scale: int, take: Take) -> int:
    """Read the microseconds; they are stored in an even number of digits.

    A second and more of them are added to a moment, as the native module does.
    """
    if scale > 6:
        raise Impossible("no such fraction")
    size = (scale + 1) // 2
    return int.from_bytes(take(size), "big") * int(100 ** (3 - size))


def _moment(code: int, scale: int, take: Take) -> Any:
    if code == TIMESTAMP:
        seconds = int.from_bytes(take(4), "big")
        fraction = _fraction(scale, take)
        return seconds * 1000 + fraction // 1000 if seconds or fraction else None
    packed = int.from_bytes(take(5), "big")
    fraction = _fraction(scale, take)
    day, clock = packed >> 17, packed & 0x1FFFF
    hour, minute, second = clock >> 12, clock >> 6 & 63, clock & 63
    year, month = divmod(day >> 5 & 0x1FFFF, 13)
    if not packed >> 39 or hour > 23 or minute > 59 or second > 59:
        return WRONG
    found = _milliseconds(year, month, day & 31)
    clock_ms = (hour * 3600 + minute * 60 + second) * 1000 + fraction // 1000
    return None if found is None else found + clock_ms


def _milliseconds(year: int, month: int, day: int) -> int | None:
    """Return the milliseconds from 1970 to a day; None if there is none, or it is behind 9999."""
    if not 1 <= month <= 12 or day < 1 or year > 9999:
        return None
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if day > MONTH_DAYS[month - 1] + (leap and month == 2):
        return None
    before = sum(MONTH_DAYS[: month - 1]) + (leap and month > 2)
    leaps = (year + 3) // 4 - (year + 99) // 100 + (year + 399) // 400
    return (year * 365 + leaps + before + day - 1 - 719_528) * 86_400_000


def _time(scale: int, take: Take) -> Any:
    if scale:
        raise Unread("a TIME with a fraction")
    packed = int.from_bytes(take(3), "big") - (1 << 23)
    sign, packed = "-" * (packed < 0), abs(packed)
    hour, minute, second = packed >> 12, packed >> 6 & 63, packed & 63
    if hour > 838 or minute > 59 or second > 59:
        return WRONG
    return f"{sign}{hour:02d}:{minute:02d}:{second:02d}"


def _bits(count: int, take: Take) -> Any:
    if not 1 <= count <= 64:
        raise Impossible("no such BIT")
    found = int.from_bytes(take((count + 7) // 8), "big")
    if found >> count:
        return WRONG
    return bool(found) if count == 1 else found


def _members(column: Column, number: int) -> Any:
    size = len(column.members)
    names = [column.decoded(each) for each in column.members]
    if column.code == ENUM:
        return WRONG if number > size else names[number - 1] if number else ""
    return WRONG if number >> size else [names[at] for at in range(size) if number >> at & 1]
