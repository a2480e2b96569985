from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from bson import DatetimeMS

from portal.dashboards.templatetags.amounts import ago, duration, parted, thousands


@pytest.mark.parametrize(
    ("time", "written"),
    [
        (0, "0 s"),
        (-0.2, "0 s"),
        (0.0002, "1 ms"),
        (0.034, "34 ms"),
        (1.04, "1 s"),
        (9.96, "10 s"),
        (59.6, "1 min"),
        (200, "3 min 20 s"),
        (3600, "1 h"),
        (3661, "1 h 1 min"),
        (90_061, "1 d 1 h"),
        (86_401, "1 d"),
        (16 * 31_556_952, "16 y"),
        (timedelta(milliseconds=412), "412 ms"),
        ("", "–"),
        (None, "–"),
    ],
)
def test_a_duration_is_written_in_its_two_largest_units(time: object, written: str) -> None:
    assert duration(time) == written


@pytest.mark.parametrize(
    ("number", "written"), [(0, "0"), (1234567, "1,234,567"), (12.6, "13"), ("", "–"), (None, "–")]
)
def test_thousands_are_apart(number: object, written: str) -> None:
    assert thousands(number) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (-3_600, "29 Nov 2026"),
        (-5, "just now"),
        (0.9, "just now"),
        (59.9, "59 s ago"),
        (61, "1 min ago"),
        (7_300, "2 h ago"),
        (6.9 * 86_400, "6 d ago"),
        (7 * 86_400, "22 Nov 2026"),
    ],
)
def test_how_long_ago_is_written_in_one_unit_and_days_as_such(seconds: float, written: str) -> None:
    now = datetime(2026, 11, 29, 12, tzinfo=UTC)

    assert f">{written}</time>" in ago(now - timedelta(seconds=seconds), now)


def test_a_moment_beyond_the_calendar_is_text() -> None:
    now = datetime(2026, 11, 29, 12, tzinfo=UTC)

    assert ago(DatetimeMS(317_355_451_200_000), now) == "5 Aug 12026, 12:00:00 UTC"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("id", "id"),
        ("in_reply_to", "in_<wbr>reply_<wbr>to"),
        ("a.b_", "a.<wbr>b_"),
        ("<_>", "&lt;_<wbr>&gt;"),
        ("", ""),
    ],
)
def test_a_name_is_broken_behind_its_underscores_and_dots(name: str, written: str) -> None:
    assert parted(name) == written
