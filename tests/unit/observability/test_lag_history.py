from __future__ import annotations

import pytest

from cdc.observability.lag_history import EVERY_SECONDS, KEPT_SECONDS, MOST_SAMPLES, LagHistory
from tests.support.moved_clock import MovedClock


@pytest.fixture
def clock() -> MovedClock:
    """The history's."""
    return MovedClock()


@pytest.fixture
def history(clock: MovedClock) -> LagHistory:
    """An empty one."""
    return LagHistory(clock)


def look(history: LagHistory, clock: MovedClock, *lags: float | None) -> None:
    """Look once a second, and find these."""
    for lag in lags:
        history.note(lag)
        clock.now += 1.0


def lags(history: LagHistory) -> list[float | None]:
    return [lag for _, lag in history.samples()]


def test_each_interval_has_its_highest_lag(history: LagHistory, clock: MovedClock) -> None:
    look(history, clock, 0.0, 3.0, 0.0, 0.0, 0.0, 0.1, 0.0, 0.2, 0.0, 0.0)

    assert history.samples() == [(6.0, 3.0), (1.0, 0.2)]


def test_a_batch_that_lands_between_two_looks_is_not_hidden(
    history: LagHistory, clock: MovedClock
) -> None:
    look(history, clock, 0.0, 0.0)
    history.note(4.5)
    look(history, clock, 0.0, 0.0)

    assert lags(history) == [4.5]


def test_the_interval_that_goes_on_is_told_and_keeps_its_peak(
    history: LagHistory, clock: MovedClock
) -> None:
    seen = []
    for lag in (7.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0):
        look(history, clock, lag)
        seen.append(max(each or 0 for each in lags(history)))

    assert seen == [7.0] * 7


def test_an_interval_in_which_the_lag_was_never_known_has_none(
    history: LagHistory, clock: MovedClock
) -> None:
    look(history, clock, None, None, None, None, None, None, 0.0)

    assert lags(history) == [None, 0.0]


def test_what_the_process_finds_after_it_stood_still_is_spread_over_that_time(
    history: LagHistory, clock: MovedClock
) -> None:
    look(history, clock, 0.0, 0.0)
    clock.now += 28.0
    look(history, clock, 0.0)  # the reader has not turned yet
    history.note(20.0)  # a batch that had waited for 20 seconds
    look(history, clock, 0.0)

    assert history.samples() == [
        (30.0 + 1.0, 0.0),
        (26.0, None),
        (21.0, None),
        (16.0, 5.0),
        (11.0, 10.0),
        (6.0, 15.0),
        (1.0, 20.0),
    ]


def test_it_stays_so_when_the_interval_after_it_is_over(
    history: LagHistory, clock: MovedClock
) -> None:
    look(history, clock, 0.0)
    clock.now += 20.0
    look(history, clock, 20.0, *[0.0] * 30)

    highest = max(lags(history), key=lambda lag: lag or 0)

    assert highest == 20.0
    assert lags(history)[:6] == [0.0, 4.0, 9.0, 14.0, 19.0, 20.0]


def test_of_a_time_in_which_nobody_looked_and_nothing_waited_nothing_is_said(
    history: LagHistory, clock: MovedClock
) -> None:
    look(history, clock, 0.0)
    clock.now += 12.0
    look(history, clock, 0.0)

    assert lags(history) == [0.0, None, None, 0.0]


def test_no_more_is_kept_than_fits_into_half_an_hour(
    history: LagHistory, clock: MovedClock
) -> None:
    look(history, clock, *[float(second) for second in range(2 * int(KEPT_SECONDS))])

    assert len(history.samples()) == MOST_SAMPLES
    assert history.samples()[-1] == (1.0, 2 * KEPT_SECONDS - 1)
    assert history.samples()[0][0] <= KEPT_SECONDS


def test_a_process_that_stood_still_for_hours_tells_of_the_last_half_hour(
    history: LagHistory, clock: MovedClock
) -> None:
    look(history, clock, 0.0)
    clock.now += 10 * KEPT_SECONDS
    look(history, clock, 9 * KEPT_SECONDS)

    found = history.samples()

    assert len(found) <= MOST_SAMPLES
    assert all(lag and lag > 8 * KEPT_SECONDS - 2 * EVERY_SECONDS for _, lag in found)


def test_what_is_older_is_not_told_where_nothing_came_since(
    history: LagHistory, clock: MovedClock
) -> None:
    look(history, clock, 1.0)
    clock.now += KEPT_SECONDS

    assert history.samples() == []
