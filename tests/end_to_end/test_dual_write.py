from __future__ import annotations

import pytest

from bench.dual_write.experiment import BETWEEN, REPLICATED, Experiment, lost
from bench.report import Table
from bench.stage import stage

KILLS = 4
SEED = 5  # decides what the deaths between two writes cost


@pytest.fixture(scope="module")
def table() -> Table:
    with stage(say=print) as opened, opened.target.client(readConcernLevel="majority") as client:
        return Experiment(opened, client, KILLS, SEED).run()


def test_dual_writes_lose_what_a_process_had_not_written_twice(table: Table) -> None:
    assert 0 < lost(table, BETWEEN) <= KILLS


def test_replication_loses_nothing_in_the_same_test(table: Table) -> None:
    dual, _, replicated = table.rows

    assert (replicated["writes"], replicated["rows"]) == (dual["writes"], dual["rows"])
    assert lost(table, REPLICATED) == 0
