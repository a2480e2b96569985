"""A transaction that the target refuses for its size alone is sent in parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from cdc.errors import CdcError
from cdc.model.batch import Batch
from cdc.model.state_change import StateWrite
from cdc.writers.writer import MongoWriter
from tests.integration.writers.support.failing import fail
from tests.integration.writers.support.writers import begun
from tests.support.faults import Faults
from tests.unit.writers.dead_letters.support.batches import delete, failure, insert, transaction

TOO_LARGE = 257
NOTED = StateWrite("jobs", {"_id": "one"}, {"$set": {"state": "done"}}, upsert=True)


@pytest.fixture
def writer(failing_client: MongoClient[dict[str, Any]]) -> Iterator[MongoWriter]:
    for name in ("docs", "state"):
        failing_client.drop_database(name)
    with begun(
        failing_client,
        "docs",
        "state",
        observer=Faults(ledger="ledger"),
    ) as writer:
        yield writer


def ids(failing_client: MongoClient[dict[str, Any]]) -> list[int]:
    return sorted(each["_id"] for each in failing_client["docs"]["c"].find())


def test_each_source_transaction_is_applied_once(
    failing_client: MongoClient[dict[str, Any]], writer: MongoWriter
) -> None:
    fail(failing_client, 2, TOO_LARGE, "insert")

    writer.apply(Batch(tuple(transaction(n, [insert(n)]) for n in (1, 2, 3, 4))))

    state = writer.read_state()
    assert ids(failing_client) == [1, 2, 3, 4]
    assert state
    assert state["position"] == {"file": "b.000001", "offset": 400, "created": 0}
    assert {each["_id"] for each in failing_client["state"]["ledger"].find()} == {
        "uuid:1",
        "uuid:2",
        "uuid:3",
        "uuid:4",
    }


@pytest.mark.parametrize("command", ["insert", "commitTransaction"])
def test_one_large_transaction_goes_in_parts_with_its_letters(
    failing_client: MongoClient[dict[str, Any]], writer: MongoWriter, command: str
) -> None:
    whole = transaction(1, [insert(1), failure(9)], [insert(2)], [insert(3)], [delete(7)])
    fail(failing_client, 2, TOO_LARGE, command)

    writer.apply(Batch((whole._replace(writes=(NOTED,)),)))

    state = writer.read_state()
    assert ids(failing_client) == [1, 2, 3]
    assert state
    assert (state["position"]["offset"], state["inflight"]) == (100, None)
    assert [each["_id"] for each in failing_client["state"]["ledger"].find()] == ["uuid:1"]
    assert [each["_id"] for each in failing_client["state"]["jobs"].find()] == ["one"]
    assert [each["key"] for each in failing_client["state"]["dead_letters"].find()] == [9]


def test_what_cannot_be_cut_is_an_error_that_says_what_to_do(
    failing_client: MongoClient[dict[str, Any]], writer: MongoWriter
) -> None:
    fail(failing_client, 1, TOO_LARGE, "insert")

    with pytest.raises(CdcError) as caught:
        writer.apply(Batch((transaction(1, [insert(1)]),)))

    assert "cacheSizeGB" in str(caught.value.remedy)
    assert ids(failing_client) == []
