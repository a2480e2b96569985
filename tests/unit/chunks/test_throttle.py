from __future__ import annotations

from cdc.chunks.throttle import Throttle


class Time:
    """A clock that moves when somebody waits."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


def throttle(
    time: Time, *, rows_per_second: float | None = None, lagging_until: float = 0
) -> Throttle:
    return Throttle(
        rows_per_second=rows_per_second,
        max_lag_seconds=30,
        lag_seconds=lambda: 31.0 if time.now < lagging_until else 30.0,
        clock=time,
    )


def test_rows_are_read_no_faster_than_the_limit() -> None:
    time = Time()
    subject = throttle(time, rows_per_second=1_000)

    for _ in range(3):
        subject.wait(time.wait)
        subject.spent(500)
    subject.wait(time.wait)

    assert round(time.now - 100, 3) == 1.5


def test_idle_time_is_not_made_up_for() -> None:
    time = Time()
    subject = throttle(time, rows_per_second=1_000)
    subject.spent(500)
    time.now += 60

    subject.spent(500)
    subject.wait(time.wait)

    assert round(time.now - 160, 3) == 0.5


def test_nothing_is_read_while_the_stream_lags() -> None:
    time = Time()

    throttle(time, lagging_until=104).wait(time.wait)

    assert 104 <= time.now < 105


def test_without_limit_and_lag_nothing_waits() -> None:
    time = Time()
    subject = throttle(time)
    subject.spent(1_000_000)

    subject.wait(time.wait)

    assert time.now == 100
