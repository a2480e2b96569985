"""A transaction that the target refuses for its size alone is sent in parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from cdc.errors import CdcError
from cdc.model.batch import Batch
from cdc.model.checkpoint import Checkpoint
from cdc.model.state_change import StateWrite
from cdc.servers import mongo_server
from cdc.writers.writer import MongoWriter
from tests.support.faults import Faults
from tests.unit.writers.dead_letters.batches import delete, failure, insert, position, transaction

TOO_LARGE = 257
NOTED = StateWrite("jobs", {"_id": "one"}, {"$set": {"state": "done"}}, upsert=True)


@pytest.fixture(scope="module")
def client() -> Iterator[MongoClient[dict[str, Any]]]:
    """A server that fails when it is told to."""
    options = ["--setParameter", "enableTestCommands=1"]
    with mongo_server(options=options) as server, server.client() as client:
        yield client


@pytest.fixture
def writer(client: MongoClient[dict[str, Any]]) -> Iterator[MongoWriter]:
    for name in ("docs", "state"):
        client.drop_database(name)
    writer = MongoWriter(
        client,
        database="docs",
        state_database="state",
        stream="test",
        transactional=True,
        observer=Faults(ledger="ledger"),
    )
    writer.create(Checkpoint(position(0)), [])
    writer.take_over()
    yield writer
    writer.close()


def refuse(client: MongoClient[dict[str, Any]], times: int, command: str = "insert") -> None:
    """Have the next commands of this name answered as too large."""
    client.admin.command(
        {
            "configureFailPoint": "failCommand",
            "mode": {"times": times},
            "data": {"failCommands": [command], "errorCode": TOO_LARGE},
        }
    )


def ids(client: MongoClient[dict[str, Any]]) -> list[int]:
    return sorted(each["_id"] for each in client["docs"]["c"].find())


def test_each_source_transaction_is_applied_once(
    client: MongoClient[dict[str, Any]], writer: MongoWriter
) -> None:
    refuse(client, 2)

    writer.apply(Batch(tuple(transaction(n, [insert(n)]) for n in (1, 2, 3, 4))))

    state = writer.read_state()
    assert ids(client) == [1, 2, 3, 4]
    assert state
    assert state["position"] == {"file": "b.000001", "offset": 400, "created": 0}
    assert {each["_id"] for each in client["state"]["ledger"].find()} == {
        "uuid:1",
        "uuid:2",
        "uuid:3",
        "uuid:4",
    }


@pytest.mark.parametrize("command", ["insert", "commitTransaction"])
def test_one_large_transaction_goes_in_parts_with_its_letters(
    client: MongoClient[dict[str, Any]], writer: MongoWriter, command: str
) -> None:
    whole = transaction(1, [insert(1), failure(9)], [insert(2)], [insert(3)], [delete(7)])
    refuse(client, 2, command)

    writer.apply(Batch((whole._replace(writes=(NOTED,)),)))

    state = writer.read_state()
    assert ids(client) == [1, 2, 3]
    assert state
    assert (state["position"]["offset"], state["inflight"]) == (100, None)
    assert [each["_id"] for each in client["state"]["ledger"].find()] == ["uuid:1"]
    assert [each["_id"] for each in client["state"]["jobs"].find()] == ["one"]
    assert [each["key"] for each in client["state"]["dead_letters"].find()] == [9]


def test_what_cannot_be_cut_is_an_error_that_says_what_to_do(
    client: MongoClient[dict[str, Any]], writer: MongoWriter
) -> None:
    refuse(client, 1)

    with pytest.raises(CdcError) as caught:
        writer.apply(Batch((transaction(1, [insert(1)]),)))

    assert "cacheSizeGB" in str(caught.value.remedy)
    assert ids(client) == []
