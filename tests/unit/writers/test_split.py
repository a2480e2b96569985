from __future__ import annotations

from cdc.model.batch import Batch
from cdc.model.checkpoint import Checkpoint, Inflight
from cdc.model.operation import Operation
from cdc.model.state_change import StateWrite
from cdc.model.witness import Witness
from cdc.writers.split import halves
from tests.unit.writers.dead_letters.support.batches import (
    failure,
    insert,
    position,
    replace,
    transaction,
)

NOTED = StateWrite("jobs", {"_id": 1}, {"$set": {"done": True}})


def written(batch: Batch) -> list[Operation]:
    return [operation for _, operations in batch.changes() for operation in operations]


def test_several_transactions_are_cut_between_two() -> None:
    batch = Batch(tuple(transaction(n, [insert(n)]) for n in (1, 2, 3)))

    two = halves(batch)

    assert two is not None
    assert [each.identities for each in two] == [["uuid:1"], ["uuid:2", "uuid:3"]]


def test_one_transaction_is_cut_between_rows_events_and_says_how_far_it_is() -> None:
    whole = transaction(1, [insert(1)], [insert(2), failure(7)], [insert(3)], [insert(4)])

    two = halves(Batch((whole._replace(writes=(NOTED,)),)))

    assert two is not None
    first, rest = two
    assert written(first) + written(rest) == [insert(1), insert(2), insert(3), insert(4)]
    assert first.checkpoint == Checkpoint(position(0), Inflight("uuid:1", 2))
    assert (first.identities, first.writes) == ([], [NOTED])
    assert rest.checkpoint == whole.checkpoint
    assert (rest.identities, rest.writes) == (["uuid:1"], [])
    assert [failed for _, [failed] in first.failures()] == [failure(7, operations_before=1)]
    assert list(rest.failures()) == []


def test_the_first_half_of_a_transaction_tells_the_rows_that_histories_have_counted() -> None:
    whole = transaction(1, [insert(1)], [insert(2)])
    counted = [each._replace(rows=(("a.b", at),)) for at, each in enumerate(whole.origins, start=5)]

    two = halves(Batch((whole._replace(origins=tuple(counted)),)))

    assert two is not None
    assert two[0].checkpoint.inflight == Inflight("uuid:1", 1, (("a.b", 5),))


def test_the_first_half_of_a_transaction_has_the_transaction_as_its_witness() -> None:
    whole = transaction(1, [insert(1)], [insert(2)])
    witness = Witness("server", "b.000001", 1, 70, b"event")
    checkpoint = whole.checkpoint._replace(witness=witness)

    two = halves(Batch((whole._replace(checkpoint=checkpoint),)))

    assert two is not None
    assert [each.checkpoint.witness for each in two] == [witness, witness]


def test_the_operations_of_one_rows_event_on_two_collections_stay_together() -> None:
    whole = transaction(1, [insert(1)], [insert(1)])
    [one, other] = whole.origins
    together = whole._replace(origins=(one, other._replace(ordinal=one.ordinal)))

    assert halves(Batch((together,))) is None


def test_a_chunk_is_cut_anywhere_and_saved_with_its_second_piece() -> None:
    chunk = transaction(1, [replace(1), replace(2), failure(7), replace(3)])._replace(
        identity="", before=None, writes=(NOTED,)
    )

    two = halves(Batch((chunk,)))

    assert two is not None
    first, rest = two
    assert written(first) == [replace(1)]
    assert written(rest) == [replace(2), replace(3)]
    assert (first.writes, rest.writes) == ([], [NOTED])
    assert first.checkpoint == rest.checkpoint == chunk.checkpoint
    assert list(rest.failures()) == [("c", (failure(7, operations_before=1),))]


def test_a_single_operation_cannot_be_cut() -> None:
    assert halves(Batch((transaction(1, [insert(1)]),))) is None
    assert halves(Batch((transaction(1, [insert(1)])._replace(identity=""),))) is None
