"""Time zones by their names: those of the tz database, and fixed offsets."""

from __future__ import annotations

import re
from datetime import UTC, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

UTC_NAME: Final = "UTC"

_OFFSET: Final = re.compile(r"([+-])(0\d|1[0-4]):([0-5]\d)")
"""As MySQL writes an offset."""


def zone_of(name: str) -> tzinfo:
    """Return a time zone, by its name or its offset; raises ValueError for none."""
    if name == UTC_NAME:
        return UTC
    if offset := _OFFSET.fullmatch(name):
        sign, hours, minutes = offset.groups()
        whole = timedelta(hours=int(hours), minutes=int(minutes))
        return timezone(-whole if sign == "-" else whole)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(_unknown(name)) from error


def _unknown(name: str) -> str:
    """Return what to write: a zone of the same letters, if there is one."""
    alike = [each for each in available_timezones() if each.lower() == name.lower()]
    example = alike[0] if alike else "Europe/Berlin, or an offset as +02:00"
    return f"no time zone has this name: write one as {example}"
