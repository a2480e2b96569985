from __future__ import annotations

import pytest

from cdc.readers.binlog.heartbeats import Heartbeats
from tests.support.moved_clock import MovedClock

INTERVAL_SECONDS = 10.0
HERE = ("b.000003", 500)


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def heartbeats(clock: MovedClock) -> Heartbeats:
    return Heartbeats(INTERVAL_SECONDS, clock)


def test_a_heartbeat_at_the_end_of_what_was_read_says_that_there_is_no_more(
    heartbeats: Heartbeats, clock: MovedClock
) -> None:
    assert heartbeats.caught_up_seconds_ago is None

    assert heartbeats.heard(500, HERE) == (True, False)

    clock.now += 3
    assert heartbeats.caught_up_seconds_ago == 3


def test_a_heartbeat_farther_on_may_be_of_a_server_that_skips(heartbeats: Heartbeats) -> None:
    assert heartbeats.heard(800, HERE) == (False, False)

    assert heartbeats.caught_up_seconds_ago is None
    assert heartbeats.farthest(HERE) == ("b.000003", 800)
    assert heartbeats.farthest(("b.000003", 900)) == ("b.000003", 900)
    assert heartbeats.farthest(("b.000004", 4)) == ("b.000004", 4)


def test_an_offset_past_32_bits_is_named_by_its_low_ones(heartbeats: Heartbeats) -> None:
    assert heartbeats.heard(500, ("b.000003", (1 << 32) + 500)).no_more


@pytest.mark.parametrize(
    ("seconds", "nothing_new"), [(1, False), (10, True), (19, True), (21, False)]
)
def test_the_same_heartbeat_again_says_that_nothing_is_new_if_it_came_in_time(
    heartbeats: Heartbeats, clock: MovedClock, seconds: float, nothing_new: bool
) -> None:
    heartbeats.heard(800, HERE)

    clock.now += seconds

    assert heartbeats.heard(800, HERE) == (True, nothing_new)


def test_each_connection_has_heartbeats_of_its_own(
    heartbeats: Heartbeats, clock: MovedClock
) -> None:
    heartbeats.heard(800, HERE)
    assert heartbeats.any_on_this_connection

    heartbeats.connected()

    assert not heartbeats.any_on_this_connection
    clock.now += INTERVAL_SECONDS
    assert heartbeats.heard(800, HERE) == (False, False)


def test_a_place_that_another_server_named_is_forgotten(heartbeats: Heartbeats) -> None:
    heartbeats.heard(800, HERE)

    heartbeats.moved()

    assert heartbeats.farthest(HERE) == HERE


def test_a_source_may_tell_otherwise_that_there_is_no_more(heartbeats: Heartbeats) -> None:
    heartbeats.caught_up()

    assert heartbeats.caught_up_seconds_ago == 0
