from __future__ import annotations

from cdc.readers.server.clock import SourceClock


class Clocks:
    def __init__(self) -> None:
        self.wall, self.steady = 1_000_000.0, 50.0

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


def test_without_an_answer_the_offset_is_not_known() -> None:
    assert SourceClock().offset_seconds is None


def test_time_that_passes_changes_no_offset() -> None:
    clocks = Clocks()
    clock = SourceClock(lambda: clocks.wall, lambda: clocks.steady)

    clock.was_ahead_by(2.5)
    clocks.pass_by(3600)

    assert clock.offset_seconds == 2.5


def test_it_tells_by_how_much_the_source_s_clock_was_set() -> None:
    clocks = Clocks()
    clock = SourceClock(lambda: clocks.wall, lambda: clocks.steady)

    assert clock.was_ahead_by(2.5) == 0
    clocks.pass_by(10)
    assert clock.was_ahead_by(32.5) == 30
    clocks.wall += 86_400
    assert clock.was_ahead_by(32.5 - 86_400) == 0


def test_a_jump_of_our_clock_does_not_move_the_source_s() -> None:
    clocks = Clocks()
    clock = SourceClock(lambda: clocks.wall, lambda: clocks.steady)
    clock.was_ahead_by(2.5)

    clocks.wall += 86_400

    assert clock.offset_seconds == 2.5 - 86_400
