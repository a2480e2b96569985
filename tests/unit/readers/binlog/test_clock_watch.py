from __future__ import annotations

import time

import pytest

from cdc.errors import Retryable
from cdc.readers.binlog.clock_watch import ASK_AGAIN_SECONDS, ClockWatch
from tests.support.moved_clock import MovedClock


class Server:
    """A server whose clock can be set, and which counts who asks for it."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.asked = 0
        self.is_away = False
        self.steady = MovedClock()
        self.watch = ClockWatch(self.ask, self.steady)
        self.watch.was_ahead_by(0)

    def ask(self) -> float:
        self.asked += 1
        if self.is_away:
            raise Retryable("it is away")
        return self.ahead

    def commits(self, seconds_ago: float = 0.0) -> None:
        self.watch.see(time.time() + self.ahead - seconds_ago)


@pytest.mark.parametrize("seconds", [3_600, 30, -30, -3_600])
def test_a_clock_that_was_set_is_read_again_at_once(seconds: float) -> None:
    server = Server()
    server.commits()

    for number in (1, 2):
        server.ahead += seconds
        server.commits()

        assert server.asked == number
        assert server.watch.offset_seconds == pytest.approx(server.ahead, abs=0.5)


def test_what_is_read_late_asks_nobody() -> None:
    server = Server()

    for ago in (3_600, 1_800, 60, 60.5, 0):
        server.commits(ago)

    assert server.asked == 0


def test_sessions_that_set_their_times_ask_once_in_a_while() -> None:
    server = Server()

    for _ in range(5):
        server.watch.see(time.time() + 86_400)
    assert server.asked == 1
    server.steady.now += ASK_AGAIN_SECONDS
    server.watch.see(time.time() + 86_400)

    assert server.asked == 2


def test_a_server_that_does_not_answer_is_asked_later() -> None:
    server = Server()
    server.is_away = True

    for _ in range(5):
        server.watch.see(time.time() + 86_400)

    assert server.asked == 1
    assert server.watch.offset_seconds == pytest.approx(0, abs=0.5)


def test_what_was_proved_by_the_clock_before_holds_by_the_new_one() -> None:
    server = Server()
    server.watch.times.read_all()
    server.ahead = -3_600
    server.commits()
    server.commits(7_200)  # of a session that set its time

    told = server.watch.times.judged(time.time() - 10_800)

    assert told == pytest.approx(time.time() - 3_600, abs=1)
