"""Reads values of documents that anybody may have edited: a value of another type is missing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bson import DatetimeMS, Decimal128

from portal.bson_dates import Moment

NOT_A_LIST = {"$not": {"$type": "array"}}
"""Added to a condition in a query: an array would meet it by one of its elements."""


def moment(value: Any) -> Moment | None:
    """Return a date, however far off."""
    return value if isinstance(value, datetime | DatetimeMS) else None


def date(value: Any) -> datetime | None:
    """Return a date of Python's calendar."""
    return value if isinstance(value, datetime) else None


def text(value: Any) -> str:
    """Return a text; empty if it is none."""
    return value if isinstance(value, str) else ""


def whole(value: Any) -> int | None:
    """Return a whole number, of any of BSON's types."""
    if isinstance(value, Decimal128):
        value = value.to_decimal()
        if not value.is_finite() or abs(value.adjusted()) > 34:
            return None
    if isinstance(value, bool) or not hasattr(value, "__int__"):
        return None
    try:
        return int(value) if value == int(value) else None
    except (ValueError, OverflowError):
        return None
