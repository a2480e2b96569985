"""Each checker of the fault campaign can fail, and does not where nothing is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.checkers import (
    Forward,
    HonestLag,
    NeverBack,
    Violations,
    WholeOrders,
    WholeTransactions,
    compare_foreign,
    compare_history,
    compare_ledger,
    compare_rows,
    holds,
    judge_end,
    judge_index,
    judge_memory,
    judge_rest,
)


@pytest.fixture
def violated() -> Violations:
    return Violations()


def test_a_snapshot_with_half_a_transfer_is_found(violated: Violations) -> None:
    whole = WholeTransactions(30, violated)
    whole.see([10, 20])
    assert violated.found == []

    whole.see([10, 15])

    assert violated.found == ["a snapshot shows a sum of 25, not 30"]


LINES = [{"_id": n, "order_id": 7, "amount": n} for n in (1, 2)]


@pytest.mark.parametrize(
    "shown", [[], LINES[:1], LINES[::-1], [LINES[0], {**LINES[1], "amount": 9}]]
)
def test_a_snapshot_of_an_order_with_other_lines_than_beside_it_is_found(
    shown: list[dict[str, Any]], violated: Violations
) -> None:
    whole = WholeOrders(violated)
    whole.see([{"_id": 7, "lines": LINES}, {"_id": 8, "lines": []}], LINES[::-1])
    whole.see([], LINES)
    assert violated.found == []

    whole.see([{"_id": 7, "lines": shown}], LINES)

    [found] = violated.found
    assert found.startswith("a snapshot shows in order 7 ")


@pytest.mark.parametrize("found", [[], [{"_id": {"of": "another", "id": 1}, "word": "changed"}]])
def test_a_document_of_somebody_else_that_is_gone_or_changed_is_found(
    found: list[dict[str, Any]], violated: Violations
) -> None:
    kept = [{"_id": {"of": "another", "id": 1}, "word": "kept"}]
    compare_foreign(kept, [{**kept[0]}], violated)
    assert violated.found == []

    compare_foreign(kept, found, violated)

    assert len(violated.found) == 1


def test_a_document_that_goes_back_is_found(violated: Violations) -> None:
    never_back = NeverBack(violated)
    for version in (1, 2, 2, 7):
        never_back.see("a", version)
    never_back.see("b", 1)
    assert violated.found == []

    never_back.see("a", 6)
    never_back.see("a", 6)

    assert violated.found == ["counter a went back from 7 to 6"] * 2

    never_back.forget()
    never_back.see("a", 1)

    assert len(violated.found) == 2


STATE = {"epoch": 2, "sequence": 5, "position": {"gtid": "u:1-5,v:1:7-9"}}


@pytest.mark.parametrize(
    "next_state",
    [
        {**STATE, "epoch": 1},
        {**STATE, "sequence": 4},
        {**STATE, "position": {"gtid": "u:1-5,v:7-9"}},
    ],
)
def test_a_state_that_goes_back_is_found(next_state: dict[str, Any], violated: Violations) -> None:
    forward = Forward(violated)
    forward.see(STATE)
    forward.see({**STATE, "sequence": 6, "position": {"gtid": "u:1-6,v:1:7-9"}})
    assert violated.found == []

    forward.see(next_state)

    assert violated.found


def test_a_lag_of_nothing_while_changes_are_missing_is_found(violated: Violations) -> None:
    honest = HonestLag(violated)
    honest.see(committed=5, applied=5, state="active", lag=0)
    honest.see(committed=5, applied=4, state="active", lag=0.3)
    honest.see(committed=5, applied=4, state="active", lag=None)
    honest.see(committed=5, applied=4, state="standby", lag=0)
    assert violated.found == []

    honest.see(committed=5, applied=4, state="active", lag=0)

    assert violated.found == ["the lag is told as 0, and 1 changes are missing"]


@pytest.mark.parametrize(
    ("position", "earlier", "holding"),
    [
        ({"gtid": "u:1-9"}, {"gtid": "u:3:5-7"}, True),
        ({"gtid": "u:1-9"}, {"gtid": "v:1"}, False),
        ({"mariadb_gtid": "0-1-9,1-1-4"}, {"mariadb_gtid": "0-1-9"}, True),
        ({"mariadb_gtid": "0-1-9"}, {"mariadb_gtid": "0-1-9,1-1-4"}, False),
        ({"file": "b.2", "offset": 4}, {"file": "b.1", "offset": 900}, True),
        ({"file": "b.1", "offset": 4}, {"file": "b.1", "offset": 900}, False),
    ],
)
def test_a_position_holds_what_it_held(
    position: dict[str, Any], earlier: dict[str, Any], *, holding: bool
) -> None:
    assert holds(position, earlier) == holding


@pytest.mark.parametrize(
    ("applied", "told"),
    [
        (["a"], "1 transactions were lost"),
        (["a", "b", "c"], "1 transactions that nobody committed"),
        (["a", "b", "b"], "1 transactions were applied twice"),
    ],
)
def test_a_transaction_that_is_lost_or_doubled_is_found(
    applied: list[str], told: str, violated: Violations
) -> None:
    assert compare_ledger(["b", "a"], ["a", "b"], violated) == 2
    assert violated.found == []

    compare_ledger(applied, ["a", "b"], violated)

    [found] = violated.found
    assert told in found


def step(number: int, before: int | None, after: int, row: int = 1) -> dict[str, Any]:
    one = None if before is None else {"version": before}
    kept = {"_id": {"row": row}, "number": number, "keys": [7]}
    return {**kept, "before": one, "after": {"version": after}}


@pytest.mark.parametrize(
    "changes",
    [
        [step(1, 0, 1)],
        [step(1, 0, 1), step(2, 1, 2), step(3, 1, 2)],
        [step(2, 0, 1), step(1, 1, 2)],
        [step(1, 0, 2)],
        [],
    ],
)
def test_a_history_that_lacks_or_repeats_a_step_is_found(
    changes: list[dict[str, Any]], violated: Violations
) -> None:
    whole = [step(0, None, 0), step(2, 2, 3), step(1, 1, 2, row=2), step(1, 0, 1)]
    compare_history({7: 3}, whole, violated)
    assert violated.found == []

    compare_history({7: 2}, changes, violated)

    assert len(violated.found) == 1


def test_a_target_without_transactions_may_apply_twice_and_lose_nothing(
    violated: Violations,
) -> None:
    compare_ledger(["a", "b", "b"], ["a", "b"], violated, repeated=True)
    assert violated.found == []

    compare_ledger(["b", "b"], ["a", "b"], violated, repeated=True)

    assert len(violated.found) == 1


@pytest.mark.parametrize("documents", [{}, {1: {"a": 2}}, {1: {"a": 1}, 2: {}}])
def test_documents_that_are_not_the_rows_are_found(
    documents: dict[int, dict[str, int]], violated: Violations
) -> None:
    assert compare_rows("t", {1: {"a": 1}}, {1: {"a": 1}}, violated) == 1
    assert violated.found == []

    compare_rows("t", {1: {"a": 1}}, documents, violated)

    [found] = violated.found
    assert found.startswith("t: 1 of 1 rows differ")


@pytest.mark.parametrize(
    ("code", "text"),
    [(1, ""), (4, ""), (-15, "it had begun"), (0, "Traceback (most recent call last):\n  x")],
)
def test_a_daemon_that_ends_otherwise_than_asked_is_found(
    code: int, text: str, violated: Violations
) -> None:
    judge_end(0, [], "", violated)
    judge_end(-9, [], "", violated)
    judge_end(-15, [], "", violated)  # before it could be asked
    assert violated.found == []

    judge_end(code, [{"event": "stopped", "message": "m"}], text, violated)

    assert len(violated.found) == 1


def test_memory_that_grows_is_found(violated: Violations) -> None:
    judge_memory(100, 100, violated)
    assert violated.found == []

    judge_memory(101, 100, violated)

    assert violated.found


@pytest.mark.parametrize(
    "wrong",
    [{"state": "stopped"}, {"lag_seconds": 3.0}, {"lag_seconds": None}, {"bytes_behind": 9}],
)
def test_a_status_that_is_not_at_rest_is_found(wrong: dict[str, Any], violated: Violations) -> None:
    rest = {"state": "active", "lag_seconds": 0.0, "bytes_behind": 0, "jobs": []}
    judge_rest(rest, violated)
    assert violated.found == []

    judge_rest({**rest, **wrong}, violated)

    assert len(violated.found) == 1


def test_an_index_that_was_not_built_again_is_found(violated: Violations) -> None:
    judge_index("by_word", ["_id_", "by_word"], violated)
    assert violated.found == []

    judge_index("by_word", ["_id_"], violated)

    assert violated.found == ["the index by_word is missing; there are ['_id_']"]
