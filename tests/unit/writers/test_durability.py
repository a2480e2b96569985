from __future__ import annotations

from dataclasses import replace

import pytest

from cdc.model.batch import Batch, MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.position import FilePosition
from cdc.model.state_change import CollectionClear, StateWrite
from cdc.writers import durability
from cdc.writers.concerns import MAJORITY, PRIMARY
from cdc.writers.durability import Durability

ENTRY = MappedTransaction("x", Checkpoint(FilePosition("b.000001", 4)), 1.0)
FILLED = Batch((ENTRY,), is_filled=True)


def begun(*, one_oplog: bool = True) -> Durability:
    made = Durability()
    made.begin(one_oplog=one_oplog)
    return made


def test_a_batch_that_has_more_behind_it_need_only_be_on_the_primary() -> None:
    assert begun().concern(FILLED, letters=False) is PRIMARY


def test_a_job_s_progress_goes_with_its_chunk() -> None:
    chunk = Batch((ENTRY._replace(writes=(StateWrite("jobs", {}, {}),)),), is_filled=True)

    assert begun().concern(chunk, letters=False) is PRIMARY


@pytest.mark.parametrize(
    "batch",
    [
        replace(FILLED, is_filled=False),
        Batch((ENTRY._replace(writes=(StateWrite("claims", {}, {}),)),), is_filled=True),
        Batch((ENTRY._replace(clears=(CollectionClear("c"),)),), is_filled=True),
        Batch((ENTRY._replace(changes_schema=True),), is_filled=True),
    ],
    ids=["the last for now", "writes", "clears", "changes a schema"],
)
def test_a_majority_must_have_any_other_batch(batch: Batch) -> None:
    assert begun().concern(batch, letters=False) is MAJORITY


def test_a_majority_must_have_batches_while_letters_are_open() -> None:
    assert begun().concern(FILLED, letters=True) is MAJORITY


def test_a_majority_must_have_every_batch_where_each_shard_rolls_back_for_itself() -> None:
    assert begun(one_oplog=False).concern(FILLED, letters=False) is MAJORITY


def test_a_wait_for_a_majority_is_due_only_while_something_is_at_risk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(durability, "SETTLE_SECONDS", 0.0)
    made = begun()
    assert not made.is_due

    made.landed(PRIMARY)
    assert made.is_due

    made.landed(MAJORITY)  # it has all before it, too
    assert not made.is_due
