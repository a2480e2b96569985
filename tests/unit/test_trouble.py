from __future__ import annotations

from cdc.snapshot import Trouble
from cdc.trouble import Retrying


def test_trouble_lasts_from_the_first_failure_and_tells_the_last() -> None:
    now = [100.0]
    retrying = Retrying(lambda: now[0])

    retrying.failed("one")
    now[0] += 3
    retrying.failed("another")
    now[0] += 1

    assert retrying.trouble == Trouble("another", 4)


def test_a_success_ends_it() -> None:
    retrying = Retrying()
    retrying.failed("one")

    retrying.succeeded()

    assert retrying.trouble is None
