from __future__ import annotations

from cdc.model.telemetry import Outage
from cdc.retry import OutageTracker


def test_an_outage_lasts_from_the_first_failure_and_tells_the_last() -> None:
    now = [100.0]
    tracker = OutageTracker(lambda: now[0])

    tracker.failed("one")
    now[0] += 3
    tracker.failed("another")
    now[0] += 1

    assert tracker.outage == Outage("another", 4)


def test_a_success_ends_it() -> None:
    tracker = OutageTracker()
    tracker.failed("one")

    tracker.succeeded()

    assert tracker.outage is None
