from __future__ import annotations

from dataclasses import replace

import pytest

from cdc.model.telemetry import (
    LEAST_LAG_SECONDS,
    Backlog,
    ReaderStats,
    Role,
    Telemetry,
    WriterStats,
)

NOW = 1_000_000.0
HEARTBEAT = 5.0


def telemetry(
    *,
    role: Role = Role.ACTIVE,
    oldest: float | None = None,
    applied: float | None = None,
    heard_ago: float | None = None,
    offset: float | None = None,
) -> Telemetry:
    return Telemetry(
        at=NOW,
        role=role,
        role_seconds=1,
        turned_seconds_ago=0,
        heartbeat_seconds=HEARTBEAT,
        reading=ReaderStats(caught_up_seconds_ago=heard_ago, clock_offset_seconds=offset),
        backlog=Backlog(oldest_committed_at=oldest),
        writing=WriterStats(committed_at=applied),
    )


def lag(
    *,
    role: Role = Role.ACTIVE,
    oldest: float | None = None,
    applied: float | None = None,
    heard_ago: float | None = None,
    offset: float | None = None,
) -> float | None:
    found = telemetry(role=role, oldest=oldest, applied=applied, heard_ago=heard_ago, offset=offset)
    return found.lag_seconds


def test_lag_is_the_age_of_the_oldest_transaction_that_waits() -> None:
    assert lag(oldest=NOW - 3, applied=NOW - 4, heard_ago=0.1) == 3


def test_lag_is_zero_where_the_source_has_just_said_that_there_is_no_more() -> None:
    assert lag(applied=NOW - 86_400, heard_ago=HEARTBEAT + 0.5) == 0


def test_lag_is_zero_where_a_transaction_was_just_committed_and_is_applied() -> None:
    assert lag(applied=NOW - 1, heard_ago=3600) == 0


def test_lag_grows_from_the_last_proof_on() -> None:
    assert lag(applied=NOW - 600, heard_ago=60) == 60
    assert lag(applied=NOW - 60, heard_ago=600) == 60
    assert lag(applied=NOW - 60) == 60


@pytest.mark.parametrize("offset", [7.0, -7.0])
def test_ages_are_told_by_the_clock_of_the_source(offset: float) -> None:
    assert lag(oldest=NOW + offset - 3, offset=offset) == 3


def test_what_waits_lags_though_it_comes_from_the_future() -> None:
    assert lag(oldest=NOW + 3600, heard_ago=0.1) == LEAST_LAG_SECONDS


def test_what_is_applied_and_comes_from_the_future_proves_nothing() -> None:
    assert lag(applied=NOW + 3600, heard_ago=60) == 60
    assert lag(applied=NOW + 3600) is None
    assert lag(applied=NOW + 0.5, heard_ago=60) == 0


def test_heartbeats_from_the_future_do_not_tell_of_no_lag() -> None:
    def lag(applied: float) -> float | None:
        found = replace(telemetry(applied=applied), beats=True)
        return found.heartbeat_lag_seconds

    assert lag(NOW + 3600) is None
    assert lag(NOW + 0.5) == 0
    assert lag(NOW - 3) == 3


def test_without_any_proof_the_lag_is_not_known() -> None:
    assert lag() is None


@pytest.mark.parametrize("role", [Role.STARTING, Role.STANDBY])
def test_a_daemon_that_is_not_active_tells_no_lag(role: Role) -> None:
    assert lag(role=role, heard_ago=0) is None
