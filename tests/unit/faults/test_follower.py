"""A follower of what is published finds what a consumer could not live with, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.checkers import Violations
from tests.faults.follower import Follower


@pytest.fixture
def violated() -> Violations:
    return Violations()


def follow(follower: Follower, *changes: tuple[str, int, int | None]) -> None:
    """Tell it of changes, (kind, key, version); a delete has none, and a tombstone behind it."""
    for kind, key, version in changes:
        after = None if version is None else {"id": key, "version": version}
        follower.see({"id": key}, {"op": kind, "before": None, "after": after})
        if after is None:
            follower.see({"id": key}, None)


def rows(**versions: int) -> dict[Any, dict[str, Any]]:
    return {int(key[1:]): {"version": version} for key, version in versions.items()}


def test_what_is_told_in_order_and_again_is_right(violated: Violations) -> None:
    follower = Follower("counters", violated)

    follow(follower, ("r", 1, 7), ("u", 1, 8), ("u", 1, 9), ("u", 1, 8), ("u", 1, 9), ("r", 1, 9))
    follow(follower, ("c", 2, 0), ("d", 2, None))
    follower.compare(rows(_1=9), is_whole=True)

    assert violated.found == []
    assert follower.messages == 9


def test_a_change_that_is_missing_is_found(violated: Violations) -> None:
    follow(Follower("counters", violated), ("r", 1, 7), ("u", 1, 8), ("u", 1, 10))

    assert violated.found == ["counters: 1 is told in version 10 behind 8"]


def test_what_comes_again_does_not_hide_what_is_missing(violated: Violations) -> None:
    follower = Follower("counters", violated)

    follow(follower, ("c", 1, 0), ("u", 1, 1), ("u", 1, 2), ("u", 1, 1), ("u", 1, 4))

    assert violated.found == ["counters: 1 is told in version 4 behind 2"]


@pytest.mark.parametrize("version", [7, 9])
def test_a_read_that_is_not_what_the_changes_have_left_is_found(
    violated: Violations, version: int
) -> None:
    follow(Follower("counters", violated), ("c", 1, 7), ("u", 1, 8), ("r", 1, version))

    [found] = violated.found
    assert found.startswith("counters: a read of 1 tells")


def test_of_two_servers_a_read_may_be_older(violated: Violations) -> None:
    follower = Follower("counters", violated, reads_are_newest=False)

    follow(follower, ("c", 1, 7), ("u", 1, 8), ("r", 1, 7), ("u", 1, 8))
    follower.compare(rows(_1=8), is_whole=True)

    assert violated.found == []


def test_a_last_row_that_is_another_one_is_found(violated: Violations) -> None:
    follower = Follower("counters", violated)
    follow(follower, ("c", 1, 7), ("c", 2, 1))

    follower.compare(rows(_1=8, _2=1), is_whole=True)

    [found] = violated.found
    assert found.startswith("counters: 1 of 2 rows were published otherwise, such as [(1, ")


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_row_that_is_gone_and_was_not_deleted_is_found(
    violated: Violations, is_whole: bool
) -> None:
    """But where changes were passed over: its delete may be among them."""
    follower = Follower("counters", violated)
    follow(follower, ("c", 1, 7), ("c", 2, 1))

    follower.compare(rows(_1=7), is_whole=is_whole)

    assert bool(violated.found) == is_whole


def test_a_row_that_was_never_told_is_found(violated: Violations) -> None:
    follower = Follower("counters", violated)
    follow(follower, ("c", 1, 7), ("d", 1, None))

    follower.compare(rows(_1=7), is_whole=False)

    assert len(violated.found) == 1
