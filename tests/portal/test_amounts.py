from __future__ import annotations

from datetime import timedelta

import pytest

from portal.dashboards.templatetags.amounts import duration, thousands


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
