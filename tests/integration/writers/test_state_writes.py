from __future__ import annotations

from collections.abc import Iterator

import bson
import pytest

from cdc.errors import WriteRefused
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.operation import Operation, OperationKind
from cdc.model.state_change import StateWrite
from cdc.writers.writer import MongoWriter
from cdc_sandbox.servers import MongoServer
from tests.integration.writers.support.writers import AFTER, begun

NOTED = StateWrite("jobs", {"_id": "one"}, {"$set": {"state": "done"}}, upsert=True)


@pytest.fixture
def writer(mongo: MongoServer, database: str, state_database: str) -> Iterator[MongoWriter]:
    with (
        mongo.client() as client,
        begun(client, database, state_database, lease_seconds=10.0) as writer,
    ):
        yield writer


def batch(document: dict[str, object]) -> Batch:
    raw = bson.encode(document)
    identifier = raw[4:5] + raw[9:13]
    insert = Operation(OperationKind.INSERT, identifier, raw)
    mapped = MappedTransaction("x", AFTER, 1.0, (("docs", [insert]),), writes=(NOTED,))
    return Batch((mapped,))


def test_a_state_write_commits_with_its_batch(
    writer: MongoWriter, mongo: MongoServer, state_database: str
) -> None:
    writer.apply(batch({"_id": 1}))

    with mongo.client() as client:
        jobs = list(client[state_database]["jobs"].find())
    assert jobs == [{"_id": "one", "state": "done"}]


def test_a_state_write_vanishes_with_a_batch_that_is_refused(
    writer: MongoWriter, mongo: MongoServer, database: str, state_database: str
) -> None:
    with mongo.client() as client:
        client[database].create_collection("docs", validator={"name": {"$exists": True}})

        with pytest.raises(WriteRefused):
            writer.apply(batch({"_id": 1}))

        assert list(client[state_database]["jobs"].find()) == []
