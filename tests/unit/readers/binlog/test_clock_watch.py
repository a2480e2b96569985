from __future__ import annotations

import time

import pytest

from cdc.errors import Retryable
from cdc.readers.binlog.clock_watch import ASK_AGAIN_SECONDS, MOVED_AGAIN_SECONDS, ClockWatch
from tests.support.moved_clock import MovedClock


class Server:
    """A server whose clock can be set, and which counts who asks for it.

    `ahead`: of the local wall clock, which stands still where a test moves the steady one.
    """

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

    def waits(self, seconds: float) -> None:
        self.steady.now += seconds
        self.ahead += seconds

    def commits(self, seconds_ago: float = 0.0, *, by_server: bool = True) -> None:
        self.watch.see(time.time() + self.ahead - seconds_ago, by_server=by_server)

    def knows(self) -> bool:
        return self.watch.offset_seconds == pytest.approx(self.ahead, abs=0.5)


@pytest.mark.parametrize("seconds", [3_600, 30, -30, -3_600])
def test_a_clock_that_was_set_is_read_again_at_once(seconds: float) -> None:
    server = Server()
    server.commits()

    for number in (1, 2):
        server.waits(MOVED_AGAIN_SECONDS)
        server.ahead += seconds
        server.commits()

        assert server.asked == number
        assert server.knows()


def test_servers_whose_clocks_differ_behind_one_address_are_not_asked_at_each_transaction() -> None:
    server = Server()

    for _ in range(10):
        server.ahead = 30 - server.ahead  # another one answers than the one that is read
        server.commits(-60)

    assert server.asked == 1


def test_what_is_read_late_asks_nobody() -> None:
    server = Server()

    for ago in (3_600, 1_800, 60, 60.5, 0):
        server.commits(ago)

    assert server.asked == 0


def test_sessions_that_set_their_times_ask_once_in_a_while() -> None:
    server = Server()

    for _ in range(5):
        server.commits(-86_400, by_server=False)
    assert server.asked == 1
    server.waits(ASK_AGAIN_SECONDS)
    server.commits(-86_400, by_server=False)

    assert server.asked == 2


def test_a_server_that_does_not_answer_is_asked_later() -> None:
    server = Server()
    server.is_away = True

    for _ in range(5):
        server.commits(-86_400, by_server=False)

    assert server.asked == 1
    assert server.knows()


def test_a_clock_that_is_set_forward_is_known_by_its_transactions_where_nobody_may_ask() -> None:
    server = Server()
    server.is_away = True
    server.ahead += 3_600

    server.commits()

    assert server.asked == 1
    assert server.knows()


def test_what_was_proved_by_the_clock_before_holds_by_the_new_one() -> None:
    server = Server()
    server.watch.times.read_all()
    server.ahead = -3_600
    server.commits()
    server.commits(7_200)  # of a session that set its time

    told = server.watch.times.judged(time.time() - 10_800)

    assert told == pytest.approx(time.time() - 3_600, abs=1)
