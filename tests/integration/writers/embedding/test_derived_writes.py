"""What is derived is written by `$set` where that comes to the same bytes as a replace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bson
import pytest
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.monitoring import CommandListener, CommandStartedEvent

from cdc.mapping.file.embed_graph import EmbedGraph
from cdc.mapping.file.mapping import Mapping
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.operation import Operation, OperationKind
from cdc.writers.documents import RAW, document_id
from cdc.writers.sync_timestamps import SyncTimestamps
from cdc.writers.writer import MongoWriter
from cdc_sandbox.servers import MongoServer
from tests.integration.writers.support.writers import AFTER, begun

Document = dict[str, Any]

AUTHOR = {"one": "users", "on": "user_id", "fields": ["name", "city"]}
MAPPINGS = (
    Mapping.model_validate({"source": "s.users", "target": "users"}),
    Mapping.model_validate(
        {"source": "s.tweets", "target": "tweets", "stamp": "at", "embed": {"by.author": AUTHOR}}
    ),
)
ADA, EVE = {"_id": 1, "name": "Ada", "city": "Rome"}, {"_id": 1, "name": "Eve"}
TWEET = {"_id": 7, "user_id": 1, "by": {"app": "web"}, "text": "x"}


class Sent(CommandListener):
    """The statements of updates of tweets, in order."""

    def __init__(self) -> None:
        self.updates: list[Any] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command.get("update") == "tweets":
            self.updates += [bson.decode(bytes(each.raw)) for each in event.command["updates"]]

    def succeeded(self, event: Any) -> None:
        """Nothing: what was sent counts."""

    def failed(self, event: Any) -> None:
        """Nothing: what was sent counts."""


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def writer(
    mongo: MongoServer, database: str, state_database: str, sent: Sent
) -> Iterator[MongoWriter]:
    stamps = SyncTimestamps({"tweets": "at"}, clock=lambda: 1.0)
    with (
        mongo.client(event_listeners=[sent]) as client,
        begun(
            client, database, state_database, embeds=EmbedGraph(MAPPINGS), stamps=stamps
        ) as writer,
    ):
        yield writer


def insert(collection: str, document: Document) -> Batch:
    raw = bson.encode(document)
    operation = Operation(OperationKind.INSERT, document_id(raw), raw)
    return Batch((MappedTransaction("x", AFTER, 1.0, ((collection, [operation]),)),))


def stored(client: MongoClient[Document], database: str) -> bytes:
    tweets: Collection[Any] = client[database].get_collection("tweets", codec_options=RAW)
    [tweet] = tweets.find({}, {"at": 0})
    return bytes(tweet.raw)


def test_an_embedded_value_that_changes_is_set_and_the_bytes_are_those_of_a_replace(
    writer: MongoWriter, sent: Sent, client: MongoClient[Document], database: str
) -> None:
    writer.apply(insert("users", ADA))
    writer.apply(insert("tweets", TWEET))
    sent.updates.clear()

    writer.apply(insert("users", EVE))

    [update] = sent.updates
    assert {*update["u"]["$set"]} == {"by.author", "at"}
    by = {"app": "web", "author": {"name": "Eve"}}
    assert stored(client, database) == bson.encode({**TWEET, "by": by})


def test_a_document_with_a_field_of_somebody_else_behind_is_replaced(
    writer: MongoWriter, sent: Sent, client: MongoClient[Document], database: str
) -> None:
    writer.apply(insert("tweets", {"_id": 7, "user_id": 1}))
    client[database]["tweets"].update_one({}, {"$set": {"foreign": 1}})
    sent.updates.clear()

    writer.apply(insert("users", ADA))

    [update] = sent.updates
    assert "$set" not in update["u"]
    author = {"name": "Ada", "city": "Rome"}
    assert bson.decode(stored(client, database)) == {
        "_id": 7, "user_id": 1, "foreign": 1, "by": {"author": author},
    }  # fmt: skip


def test_a_field_that_is_missing_is_not_embedded_as_null_by_an_index(
    writer: MongoWriter, client: MongoClient[Document], database: str
) -> None:
    """An index that has all that is asked for tells null for what is missing."""
    client[database]["users"].create_index([("_id", 1), ("name", 1), ("city", 1)])
    writer.apply(insert("users", EVE))

    writer.apply(insert("tweets", TWEET))

    by = {"app": "web", "author": {"name": "Eve"}}
    assert stored(client, database) == bson.encode({**TWEET, "by": by})
