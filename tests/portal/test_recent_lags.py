"""What the portal makes of the half hour that the daemon has kept."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest

from portal.dashboards.replication.recent import Recent, recent

NOW = 1_700_000_400.0


def test_the_lags_are_at_their_times_by_the_portal_s_clock() -> None:
    found = recent({"lag_history": [[65.0, 3.5], [5.2, None]]}, NOW)

    assert found.lags == [(NOW - 65, 3.5), (1_700_000_394.8, None)]
    assert found.span_seconds == pytest.approx(59.8)
    assert found.highest == 3.5


def test_each_minute_has_its_highest_lag_the_latest_first() -> None:
    samples = [[125.0, None], [70.0, 1.0], [61.0, 7.0], [59.0, None], [55.0, 2.0]]

    found = recent({"lag_history": samples}, NOW)

    assert [(f"{minute:%H:%M}", lag) for minute, lag in found.minutes] == [
        ("22:19", 2.0),
        ("22:18", 7.0),
        ("22:17", None),
    ]


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"lag_history": 7, "tables": [1]},
        {"lag_history": [7, [1], [1, "x"], ["x", 1], [True, 1], [1, 2, 3]], "tables": {"a.b": 7}},
        {"lag_history": None, "tables": {"a.b": {"last_seconds_ago": "x"}}},
        {"lag_history": [[inf, 1], [10**400, 1], [-1, 1], [1e15, 1], [1, inf], [1, -1]]},
        {"tables": {"a.b": {"last_seconds_ago": inf}}},
    ],
)
def test_what_is_not_as_a_daemon_writes_it_is_left_out(facts: dict[str, Any]) -> None:
    assert recent(facts, NOW) == Recent()


def test_the_last_changes_are_by_table() -> None:
    facts = {"tables": {"shop.orders": {"row_changes": 7, "last_seconds_ago": 12.5}}}

    assert recent(facts, NOW).changed_seconds_ago == {"shop.orders": 12.5}
