from __future__ import annotations

from cdc.daemon.displacements import MOST, WITHIN_SECONDS, Displacements


def test_few_displacements_pass_and_a_series_does_not() -> None:
    now = 100.0
    displacements = Displacements(lambda: now)

    assert [displacements.is_passing() for _ in range(MOST + 2)] == [*[True] * MOST, False, False]


def test_those_of_long_ago_do_not_count() -> None:
    now = 100.0
    displacements = Displacements(lambda: now)
    for _ in range(2 * MOST):
        now += WITHIN_SECONDS / MOST

        assert displacements.is_passing()
