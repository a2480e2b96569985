from __future__ import annotations

import pytest

from tests.support.waiting import eventually


def test_it_returns_what_the_condition_returned_at_last() -> None:
    answers = iter([None, 0, "here"])

    assert eventually(lambda: next(answers), timeout_seconds=5) == "here"


def test_it_tells_what_it_waited_for() -> None:
    with pytest.raises(TimeoutError, match=r"the row: still 0 after 0\.05 s"):
        eventually(lambda: 0, timeout_seconds=0.05, waiting_for="the row")


def test_a_failed_assertion_is_raised_when_the_time_is_up() -> None:
    def condition() -> bool:
        raise AssertionError("not equal")

    with pytest.raises(AssertionError, match="not equal"):
        eventually(condition, timeout_seconds=0.05)
