from __future__ import annotations

from typing import Any

import bson
import pytest
from pymongo import MongoClient

from cdc.errors import Fenced
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.operation import Operation, OperationKind
from cdc.model.position import FilePosition
from cdc.writers.documents import document_id
from tests.integration.writers.support.writers import START, writer_of

Client = MongoClient[dict[str, Any]]


def batch(key: int, offset: int) -> Batch:
    raw = bson.encode({"_id": key})
    insert = Operation(OperationKind.INSERT, document_id(raw), raw)
    after = Checkpoint(FilePosition("binlog.000001", offset))
    return Batch((MappedTransaction("x", after, 1.0, (("docs", [insert]),)),))


@pytest.mark.parametrize("batches_since", [0, 1])
def test_a_writer_that_was_replaced_commits_nothing_whatever_its_successor_has_done(
    client: Client, database: str, state_database: str, batches_since: int
) -> None:
    first = writer_of(client, database, state_database)
    first.create(START, [])
    first.take_over()
    first.state.release()
    second = writer_of(client, database, state_database)
    second.take_over()
    for key in range(batches_since):
        second.apply(batch(key, 100 + key))

    with pytest.raises(Fenced):
        first.apply(batch(99, 900))

    assert client[database]["docs"].find_one({"_id": 99}) is None
    state = client[state_database]["streams"].find_one({"_id": "test"})
    assert state is not None
    assert state["position"]["offset"] < 900
    first.close()
    second.close()


def test_a_writer_of_a_stream_that_was_made_anew_is_not_its_owner(
    client: Client, database: str, state_database: str
) -> None:
    """Epoch and sequence begin anew with it: both are those that the old one knows."""
    frozen = writer_of(client, database, state_database)
    frozen.create(START, [])
    frozen.take_over()
    frozen.apply(batch(1, 100))
    client[state_database]["streams"].delete_one({"_id": "test"})
    another = writer_of(client, database, state_database)
    another.create(START, [])
    another.take_over()
    another.apply(batch(2, 100))

    with pytest.raises(Fenced):
        frozen.apply(batch(99, 900))
    with pytest.raises(Fenced):
        frozen.state.renew()
    frozen.state.release()

    assert client[database]["docs"].find_one({"_id": 99}) is None
    another.apply(batch(3, 200))
    frozen.close()
    another.close()


def test_a_batch_that_is_repeated_after_it_landed_is_not_applied_twice(
    client: Client, database: str, state_database: str
) -> None:
    writer = writer_of(client, database, state_database)
    writer.create(START, [])
    writer.take_over()
    held = writer.state._held
    writer.apply(batch(1, 100))
    client[database]["docs"].delete_one({"_id": 1})
    writer.state._held = held  # as if the answer to the commit had been lost

    writer.apply(batch(1, 100))

    assert client[database]["docs"].find_one({"_id": 1}) is None
    writer.close()
