"""Dates of documents: BSON's range is 292 million years either way, Python's is 1 to 9999."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from bson import DatetimeMS

Moment: TypeAlias = datetime | DatetimeMS
"""A date; in milliseconds beyond the range of Python's."""

FIRST: Final = datetime.min.replace(tzinfo=UTC)
LAST: Final = datetime.max.replace(tzinfo=UTC)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
# After so many years the calendar repeats, weekdays included.
_CYCLE_YEARS: Final = 400
_CYCLE_MILLISECONDS: Final = 146_097 * 86_400_000


def milliseconds(moment: Moment) -> int:
    """Return the milliseconds since 1970, as a document stores them."""
    return int(DatetimeMS(moment)) if isinstance(moment, datetime) else int(moment)


def microseconds(moment: Moment) -> int:
    """Return the microseconds since 1970."""
    if isinstance(moment, datetime):
        return (moment - _EPOCH) // _MICROSECOND
    return int(moment) * 1000


def nearest(microseconds: int) -> datetime:
    """Return the date that is so many microseconds since 1970; the first or last if beyond."""
    try:
        return _EPOCH + microseconds * _MICROSECOND
    except OverflowError:
        return LAST if microseconds > 0 else FIRST


def in_the_calendar(moment: DatetimeMS) -> tuple[datetime, int]:
    """Return the moment within a cycle of the calendar, and the years by which it is moved."""
    cycles, rest = divmod(int(moment), _CYCLE_MILLISECONDS)
    return _EPOCH + timedelta(milliseconds=rest), cycles * _CYCLE_YEARS
