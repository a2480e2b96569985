"""Runs that plans have mapped are cut: what each has is its transactions'."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cdc.errors import CdcError
from cdc.model.batch import Batch, MappedRun
from cdc.model.transaction import Transaction
from cdc.writers.rounds import UNLIMITED, parts_of
from cdc.writers.stats import changed_rows
from tests.support.examples import examples
from tests.support.runs import run_of
from tests.unit.native.support.mapped import natively
from tests.unit.native.support.module import needs_native
from tests.unit.native.test_runs import RULES, TRANSACTIONS, mapper, plans

pytestmark = needs_native


def sorted_by_collection(entries: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for each in entries:
        for collection, operations in each.changes:
            if operations:
                found[collection] += operations
    return found


@examples(600)
@given(TRANSACTIONS, st.lists(st.sampled_from(RULES), min_size=1, max_size=2), st.data())
def test_a_cut_run_is_its_transactions(
    transactions: list[Transaction], rules: list[dict[str, Any]], data: st.DataObject
) -> None:
    compiled = plans(rules)
    joined = mapper({columns: tuple(map(natively, each)) for columns, each in compiled.items()})
    try:
        run, *others = joined.map(run_of(transactions))
    except CdcError:
        return
    if others or not isinstance(run, MappedRun) or len(transactions) < 2:
        return
    assert run.cuts is not None
    whole = run.transactions()
    for (_, operations), owners in zip(run.changes, run.cuts.numbers(), strict=True):
        assert len(operations) == len(owners)
        for operation, owner in zip(operations, owners, strict=True):
            assert any(operation is one for _, some in whole[owner].changes for one in some)
    numbers = sorted(data.draw(st.sets(st.integers(0, len(whole) - 1), min_size=1)))
    cut = run.cuts.only(numbers)
    mine = [whole[each] for each in numbers]
    two_plans = len(rules) > 1
    expected, found = sorted_by_collection(mine), sorted_by_collection([cut])
    if two_plans:  # of one row the plans' operations come in turn, or after each other
        expected = {k: sorted(map(repr, v)) for k, v in expected.items()}
        found = {k: sorted(map(repr, v)) for k, v in found.items()}
    assert found == expected
    assert [each.identity for each in cut.transactions()] == [each.identity for each in mine]
    assert cut.checkpoint == mine[-1].checkpoint
    ours = {k: v for k, v in changed_rows(Batch((cut,))).items() if v}
    assert ours == {k: v for k, v in changed_rows(Batch(tuple(mine))).items() if v}
    parts = parts_of(Batch((run,), True), lanes=2, size=UNLIMITED, is_whole=lambda _: False)
    if parts is not None:
        sums: dict[Any, int] = defaultdict(int)
        for part in parts:
            for key, value in changed_rows(part.batch).items():
                sums[key] += value
        assert sums == changed_rows(Batch((run,)))
