from __future__ import annotations

from pymongo.errors import ConnectionFailure

from tests.faults.patience import STANDSTILL_SECONDS, Movement
from tests.support.moved_clock import MovedClock


def test_what_moves_has_all_the_time() -> None:
    clock = MovedClock()
    seen = iter(range(10))
    movement = Movement(lambda: next(seen), clock)

    for _ in range(10):
        clock.now += STANDSTILL_SECONDS - 1
        assert not movement.stands_still()


def test_what_does_not_move_stands_still() -> None:
    clock = MovedClock()
    movement = Movement(lambda: (7, []), clock)

    assert not movement.stands_still()
    clock.now += STANDSTILL_SECONDS + 1

    assert movement.stands_still()


def test_a_target_that_is_away_shows_no_movement() -> None:
    clock = MovedClock()

    def away() -> object:
        raise ConnectionFailure

    movement = Movement(away, clock)

    assert not movement.stands_still()
    clock.now += STANDSTILL_SECONDS + 1
    assert movement.stands_still()
