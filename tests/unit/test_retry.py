from __future__ import annotations

import threading

import pytest
from structlog.testing import capture_logs

from cdc.errors import Fatal, Retryable
from cdc.retry import Backoff, Stopped, retry_until_done


def test_waits_grow_up_to_a_cap_and_begin_again_after_a_reset() -> None:
    backoff = Backoff(first_seconds=1, cap_seconds=4)

    for whole in (1, 2, 4, 4):
        assert whole / 2 <= backoff.next() <= whole
    backoff.reset()

    assert backoff.next() <= 1


def attempt(*outcomes: Exception | str) -> str:
    """Return or raise the next of `outcomes`."""
    remaining = iter(outcomes)

    def once() -> str:
        outcome = next(remaining)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return retry_until_done(
        once,
        event="target_retry",
        passing=lambda error: isinstance(error, Retryable),
        stopping=threading.Event(),
    )


def test_what_passes_is_tried_again_and_said() -> None:
    with capture_logs() as logs:
        assert attempt(Retryable("not now"), "done") == "done"

    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("target_retry", "warning")]


def test_what_does_not_pass_is_raised_at_once() -> None:
    with pytest.raises(Fatal):
        attempt(Fatal("never"), "done")


def test_a_stop_ends_the_waiting() -> None:
    stopping = threading.Event()
    stopping.set()

    def fails() -> None:
        raise Retryable

    with capture_logs(), pytest.raises(Stopped):
        retry_until_done(fails, event="target_retry", passing=lambda _: True, stopping=stopping)
