from __future__ import annotations

from typing import Any

from cdc.model.telemetry import Backlog, Role, Telemetry, WriterStats
from cdc.observability.recent import LOOK_SECONDS, Recent
from tests.support.moved_clock import MovedClock

NOW = 1_700_000_000.0


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


def facts(*looks: Telemetry, after: float = 0.0) -> dict[str, Any]:
    """What is told once these were seen, one each second, and then some time went by."""
    clock = MovedClock()
    recent = Recent(clock=clock)
    for each in looks:
        recent.look(each)
        clock.now += LOOK_SECONDS
    clock.now += after
    return recent.facts()


def test_the_lags_are_told_with_their_ages_in_milliseconds() -> None:
    assert facts(behind(2.0), STANDBY, behind(7.12345))["lag_history"] == [[1.0, 7.123]]
    assert facts(STANDBY)["lag_history"] == [[1.0, None]]


def test_a_look_for_somebody_else_counts_too() -> None:
    recent = Recent(clock=MovedClock())

    seen = recent.seen(behind(3.0))

    assert seen == behind(3.0)
    assert recent.facts()["lag_history"] == [[0.0, 3.0]]


def test_a_table_s_last_change_is_when_its_count_was_first_seen_to_be_another() -> None:
    found = facts(behind(0, items=3), behind(0, items=3), behind(0, items=3, orders=1), after=60)

    assert found["tables"] == {
        "shop.items": {"row_changes": 3, "last_seconds_ago": 63.0},
        "shop.orders": {"row_changes": 1, "last_seconds_ago": 61.0},
    }


def test_all_kinds_of_changes_of_a_table_count() -> None:
    rows = {("shop.items", "insert"): 2, ("shop.items", "delete"): 1}
    seen = Telemetry(NOW, Role.ACTIVE, 1.0, 0.0, 1.0, writing=WriterStats(rows=rows))

    assert facts(seen)["tables"]["shop.items"]["row_changes"] == 3
