"""What a start asks of a sharded cluster, as far as a replica set can answer it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from structlog.testing import capture_logs

from cdc.mapping.file.mapping import Mapping
from cdc.writers.collection_facts import collection_facts, live_shard_key
from cdc.writers.concerns import MAJORITY
from cdc.writers.namespaces import Namespaces
from cdc.writers.shard_collections import ready_cluster
from cdc.writers.stream_state import STATE_COLLECTIONS
from cdc_sandbox.servers import MongoServer
from tests.support.recording import Recorder

KEY: dict[str, Any] = {"tenant": 1, "_id": "hashed"}
MAPPINGS = (
    Mapping(source="a.orders", target="orders", shard_key=KEY),
    Mapping(source="a.notes", target="notes"),
)
Client = MongoClient[dict[str, Any]]


@pytest.fixture
def listed(client: Client, database: str) -> Iterator[None]:
    """The collection as a config server has it."""
    collections = client["config"]["collections"]
    name = f"{database}.orders"
    collections.insert_one({"_id": name, "key": {"tenant": 1.0, "_id": "hashed"}})
    yield
    collections.delete_one({"_id": name})


def readied(mongo: MongoServer, database: str, state_database: str, *, sharded: bool) -> Recorder:
    recorder = Recorder()
    with mongo.client(event_listeners=[recorder]) as client:
        namespaces = Namespaces(database, state_database, "test")
        ready_cluster(client, namespaces, MAPPINGS, is_behind_mongos=lambda _: sharded)
    return recorder


def test_a_collection_is_asked_to_be_sharded_and_the_others_are_created(
    mongo: MongoServer, client: Client, database: str, state_database: str
) -> None:
    client[database].create_collection("notes")
    with capture_logs() as logs:
        recorder = readied(mongo, database, state_database, sharded=True)

    [asked] = [each for each in recorder.commands if each.verb == "shardCollection"]
    assert asked.without_session() == {
        "shardCollection": f"{database}.orders",
        "key": KEY,
        "collation": {"locale": "simple"},
        "writeConcern": MAJORITY.document,
    }
    # A replica set does not know the command; what cannot be sharded is created where it is.
    assert [(each["event"], each["collection"]) for each in logs] == [
        ("not_sharded", f"{database}.orders")
    ]
    assert {*client[database].list_collection_names()} == {"orders", "notes"}
    assert {*client[state_database].list_collection_names()} == {*STATE_COLLECTIONS}


def test_other_targets_are_left_alone(
    mongo: MongoServer, client: Client, database: str, state_database: str
) -> None:
    recorder = readied(mongo, database, state_database, sharded=False)

    assert [each.verb for each in recorder.commands if each.verb != "endSessions"] == []
    assert client[database].list_collection_names() == []


def test_a_collection_that_is_sharded_is_not_asked_again(
    mongo: MongoServer, database: str, state_database: str, listed: None
) -> None:
    recorder = readied(mongo, database, state_database, sharded=True)

    assert "shardCollection" not in {each.verb for each in recorder.commands}


def test_the_live_key_and_indexes_are_read_in_order(
    client: Client, database: str, listed: None
) -> None:
    client[database]["orders"].create_index([("n", 1), ("tenant", -1)])

    facts = collection_facts(client, [(database, "orders"), (database, "no")], sharded=True)

    assert facts is not None
    [found] = facts
    assert found.shard_key is not None
    assert [*found.shard_key.items()] == [*KEY.items()]
    assert found.is_empty
    assert [[*each.items()] for each in found.keys] == [[("_id", 1)], [("n", 1), ("tenant", -1)]]


def test_a_collection_that_newer_servers_list_and_nobody_has_sharded_has_no_key(
    client: Client, database: str, listed: None
) -> None:
    client["config"]["collections"].update_one(
        {"_id": f"{database}.orders"}, {"$set": {"unsplittable": True}}
    )

    assert live_shard_key(client, f"{database}.orders") is None
