from __future__ import annotations

from typing import Any

from cdc.model.telemetry import Backlog, Role, Telemetry, WriterStats
from cdc.observability.recent import EVERY_SECONDS, KEPT_SECONDS, MOST_SAMPLES, Recent

NOW = 1_700_000_000.0


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def behind(seconds: float, **rows: int) -> Telemetry:
    """What an active daemon knows that is so far behind; `rows` are changes of tables of `shop`."""
    return Telemetry(
        at=NOW,
        role=Role.ACTIVE,
        role_seconds=1.0,
        turned_seconds_ago=0.0,
        heartbeat_seconds=1.0,
        backlog=Backlog(oldest_committed_at=NOW - seconds),
        writing=WriterStats(rows={(f"shop.{table}", "insert"): n for table, n in rows.items()}),
    )


STANDBY = Telemetry(NOW, Role.STANDBY, 1.0, 0.0, 1.0)


def facts(*samples: Telemetry, after: float = 0.0) -> dict[str, Any]:
    """What is told once these were taken, one every few seconds, and then some time went by."""
    clock = Clock()
    recent = Recent(clock)
    for each in samples:
        recent.sample(each)
        clock.now += EVERY_SECONDS
    clock.now += after
    return recent.facts()


def test_the_lags_are_told_with_their_ages_the_oldest_first() -> None:
    found = facts(behind(2.0), STANDBY, behind(7.12345))

    assert found["lag_history"] == [[15.0, 2.0], [10.0, None], [5.0, 7.123]]


def test_no_more_is_kept_than_fits_into_half_an_hour() -> None:
    found = facts(*[behind(float(number)) for number in range(2 * MOST_SAMPLES)])

    assert len(found["lag_history"]) == MOST_SAMPLES
    assert found["lag_history"][0] == [KEPT_SECONDS, float(MOST_SAMPLES)]


def test_samples_that_are_older_are_not_told_where_none_came_since() -> None:
    assert facts(behind(1.0), after=KEPT_SECONDS)["lag_history"] == []


def test_a_table_s_last_change_is_when_its_count_was_first_seen_to_be_another() -> None:
    found = facts(behind(0, items=3), behind(0, items=3), behind(0, items=3, orders=1), after=60)

    assert found["tables"] == {
        "shop.items": {"row_changes": 3, "last_seconds_ago": 75.0},
        "shop.orders": {"row_changes": 1, "last_seconds_ago": 65.0},
    }


def test_all_kinds_of_changes_of_a_table_count() -> None:
    rows = {("shop.items", "insert"): 2, ("shop.items", "delete"): 1}
    seen = Telemetry(NOW, Role.ACTIVE, 1.0, 0.0, 1.0, writing=WriterStats(rows=rows))

    assert facts(seen)["tables"]["shop.items"]["row_changes"] == 3
