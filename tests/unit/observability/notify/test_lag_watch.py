from __future__ import annotations

from cdc.observability.notify.lag_watch import LagWatch


def told(threshold: float, *lags: float | None) -> list[tuple[int, str]]:
    """When which turn is told."""
    watch = LagWatch(threshold)
    found = [(at, watch.look(lag)) for at, lag in enumerate(lags)]
    return [(at, notice.details["state"]) for at, notice in found if notice is not None]


def test_it_tells_once_of_each_turn() -> None:
    assert told(60, 0, 61, 70, 500, 10, 0, 61) == [(1, "above"), (4, "below"), (6, "above")]


def test_it_does_not_flap_around_the_threshold() -> None:
    assert told(60, 61, 59, 61, 40, 61, 31, 61, 30) == [(0, "above"), (7, "below")]


def test_the_threshold_itself_is_not_above_it() -> None:
    assert told(60, 60) == []


def test_an_unknown_lag_changes_nothing() -> None:
    assert told(60, None, 61, None, None, 20) == [(1, "above"), (4, "below")]
