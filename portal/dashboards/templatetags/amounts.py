"""Formats amounts for people; a missing value is a dash."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from math import isfinite
from typing import Any, Final

from bson import DatetimeMS
from django import template
from django.template.defaultfilters import date
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe

from portal.bson_dates import Moment, in_the_calendar

register = template.Library()

UNKNOWN: Final = "–"
_UNITS: Final = ((31_556_952, "y"), (86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))

_RECENT_SECONDS: Final = 7 * 86_400
_CLOCKS_DIFFER_SECONDS: Final = 60


@register.filter
def duration(time: object) -> str:
    """Format a time in its two largest units, `3 min 20 s`; a short one as `1.5 s` or `20 ms`.

    A plain number is in seconds.
    """
    seconds = time.total_seconds() if isinstance(time, timedelta) else time
    if not isinstance(seconds, int | float) or not isfinite(seconds):
        return UNKNOWN
    if 0 < seconds < 1:
        return f"{max(1, round(seconds * 1000))} ms"
    if seconds < 10:
        return f"{max(0.0, seconds):.1f}".removesuffix(".0") + " s"
    rest, parts = round(seconds), []
    for size, unit in _UNITS:
        count, rest = divmod(rest, size)
        parts.append(f"{count} {unit}" if count else "")
    first = next(at for at, part in enumerate(parts) if part)
    return " ".join(part for part in parts[first : first + 2] if part)


@register.filter
def moment(at: Moment, form: str = "j M Y, H:i:s") -> str:
    """Format a moment as a time element; one beyond the calendar of HTML or Python is text."""
    if isinstance(at, datetime):
        return format_html('<time datetime="{}">{}</time>', date(at, "c"), date(at, form))
    return _far_off(at)


@register.filter
def ago(at: Moment, now: datetime) -> str:
    """Format how long ago a moment was, `3 min ago`; of one long ago, or to come, the day.

    The element has the moment itself, for the page's script and as its title.
    """
    if not isinstance(at, datetime):
        return f"{_far_off(at)} UTC"
    return format_html(
        '<time datetime="{}" title="{} UTC" data-ago>{}</time>',
        date(at, "c"),
        date(at, "j M Y, H:i:s"),
        _since(at, (now - at).total_seconds()),
    )


def _since(at: datetime, seconds: float) -> str:
    if not -_CLOCKS_DIFFER_SECONDS < seconds < _RECENT_SECONDS:
        return date(at, "j M Y")
    size, unit = next((each for each in _UNITS if seconds >= each[0]), (1, "s"))
    return f"{int(seconds // size)} {unit} ago" if seconds >= 1 else "just now"


@register.filter
def thousands(number: object) -> str:
    """Format a number with its thousands apart: `1,234,567`."""
    if not isinstance(number, int | float) or not isfinite(number):
        return UNKNOWN
    return f"{round(number):,}"


@register.filter
def parted(name: str) -> str:
    """Mark a long name as to be broken behind its underscores and dots."""
    parts = re.split(r"(?<=[_.])(?=.)", name)
    return format_html_join(mark_safe("<wbr>"), "{}", ((each,) for each in parts))


@register.filter
def size(number: int) -> int:
    """Return a number without its sign."""
    return abs(number)


@register.filter
def age(moment: datetime, now: datetime) -> str:
    """Format the age of a moment."""
    return duration((now - moment).total_seconds())


@register.filter
def document_id(finding: Mapping[str, Any]) -> str:
    """Format the `_id` of the document of a verify finding."""
    identity = finding["_id"]
    if isinstance(identity, DatetimeMS):
        return _far_off(identity)
    return UNKNOWN if identity is None else str(identity)


def _far_off(at: DatetimeMS) -> str:
    within, years = in_the_calendar(at)
    return f"{date(within, 'j M')} {within.year + years:04}, {date(within, 'H:i:s')}"
