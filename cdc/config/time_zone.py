"""Time zones by their names: those of the tz database, and fixed offsets."""

from __future__ import annotations

import re
from datetime import UTC, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

UTC_NAME: Final = "UTC"

_OFFSET: Final = re.compile(r"([+-])(0[0-9]|1[0-4]):([0-5][0-9])")
"""As MySQL writes an offset."""

_NO_ZONES: Final = re.compile(r"(right|posix)/.*|localtime|posixrules|Factory")
"""Files beside those of zones: the machine's own zone, and zones that count leap seconds."""


def zone_of(name: str) -> tzinfo:
    """Return a time zone, by its name or its offset; raises ValueError for none."""
    if name == UTC_NAME:
        return UTC
    if offset := _OFFSET.fullmatch(name):
        sign, hours, minutes = offset.groups()
        whole = timedelta(hours=int(hours), minutes=int(minutes))
        return timezone(-whole if sign == "-" else whole)
    try:
        if _NO_ZONES.fullmatch(name):
            raise ZoneInfoNotFoundError(name)
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(_unknown(name)) from error


def _unknown(name: str) -> str:
    """Return what to write: a zone of the same letters, if there is one."""
    zones = (each for each in available_timezones() if not _NO_ZONES.fullmatch(each))
    alike = [each for each in zones if each.lower() == name.lower()]
    example = alike[0] if alike else "Europe/Berlin, or an offset as +02:00"
    return f"no time zone has this name: write one as {example}"
