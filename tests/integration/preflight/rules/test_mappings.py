"""`cdc check` on where documents are to go."""

from __future__ import annotations

from tests.integration.preflight.support.checked import Check, Setup


def test_a_name_that_is_too_long_for_its_database_is_a_mistake_with_its_line(
    setup: Setup, table: str, check: Check
) -> None:
    setup.follow(table, target="x" * 250)

    code, found = check()

    assert code == 2
    told = [what for outcome, what, _ in found.values() if outcome == "wrong"]
    assert len(told) == 1
    assert f"{table}.yaml:1: `target`: " in told[0]
