"""Dates and datetimes in texts, as both servers read them.

Only the ISO forms are read. The servers read many others (`str_to_datetime` in MySQL's
`my_time.cc`), not all of them alike; here those are errors of their rows.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from cdc.mapping.expressions.runtime.moments import (
    FRACTION_BITS,
    Parts,
    pack,
    rounded,
    unpack,
)
from cdc.mapping.types.encoder import Unrepresentable

_ISO: Final = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:[ ]*|[ T]([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:\.([0-9]{1,6}))?[ ]*)?)"
)
_NOTHING: Final = re.compile(r"[ \t\n\v\f\r]*(?:[^\W\d_]|\Z)")
"""Texts in which both servers find no date."""


class UnreadDate(Unrepresentable):
    """A text is no ISO date or datetime, and the servers may find one in it."""


def read(text: str) -> int | None:
    """Return the integer of the datetime in a text; None if the servers return NULL.

    Raises UnreadDate.
    """
    match = _ISO.fullmatch(text)
    if match is None:
        if _NOTHING.match(text):
            return None
        raise UnreadDate(
            "a text that an expression casts is not written as YYYY-MM-DD [hh:mm:ss[.ffffff]]"
        )
    parts = Parts(*(int(one or 0) for one in match.groups()[:6]))
    if not _exists(parts):
        return None
    return pack(parts) + int((match[7] or "").ljust(6, "0"))


def read_rounded(text: str, scale: int) -> int | None:
    """Return the datetime in a text, rounded as MySQL does: a partial date to no later second.

    Raises UnreadDate.
    """
    packed = read(text)
    if packed is None:
        return None
    found = rounded(packed, scale)
    carried = found is not None and found >> FRACTION_BITS != packed >> FRACTION_BITS
    parts = unpack(packed)
    return found if not carried or (parts.month and parts.day) else None


def _exists(parts: Parts) -> bool:
    """Return whether such a moment exists; months and days may be zero."""
    if parts.month > 12 or parts.day > 31:
        return False
    if parts.hour > 23 or parts.minute > 59 or parts.second > 59:
        return False
    return not (parts.month and parts.day) or parts.day <= _days(parts.year, parts.month)


def _days(year: int, month: int) -> int:
    """Return the days of a month; to the servers the year 0 is no leap year."""
    if month == 12:
        return 31
    year = year or 1
    return (date(year, month + 1, 1) - date(year, month, 1)).days
