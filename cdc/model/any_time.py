"""Decodes documents whose dates Python lacks, such as those of the year 0."""

from __future__ import annotations

from typing import Any, Final

from bson.codec_options import CodecOptions, DatetimeConversion

ANY_TIME: Final = CodecOptions[dict[str, Any]](datetime_conversion=DatetimeConversion.DATETIME_AUTO)
"""Dates without a time zone; encoding what was decoded gives the same bytes."""
ANY_TIME_AWARE: Final = ANY_TIME.with_options(tz_aware=True)
"""Dates that say that they are in UTC."""
