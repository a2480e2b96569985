from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from cdc.terminal.moments import moment


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 12, 1, 9, 59, 32, 393_000, tzinfo=UTC),
        datetime(2026, 12, 1, 9, 59, 32),
        datetime(2026, 12, 1, 11, 59, 32, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_a_moment_is_told_to_the_second_in_utc(at: datetime) -> None:
    assert moment(at) == "2026-12-01 09:59:32 UTC"
