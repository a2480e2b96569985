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
from cdc.writers.embedding.embedder import PIECE
from cdc.writers.embedding.terms import AT_ONCE
from cdc.writers.indexes import create_indexes
from cdc.writers.namespaces import Namespaces
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


def stored(client: MongoClient[Document], database: str) -> list[bytes]:
    tweets: Collection[Any] = client[database].get_collection("tweets", codec_options=RAW)
    return [bytes(tweet.raw) for tweet in tweets.find({}, {"at": 0})]


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
    assert stored(client, database) == [bson.encode({**TWEET, "by": by})]


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
    [tweet] = stored(client, database)
    assert bson.decode(tweet) == {
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
    assert stored(client, database) == [bson.encode({**TWEET, "by": by})]


def test_documents_that_get_equal_values_are_set_by_one_statement(
    writer: MongoWriter, sent: Sent, client: MongoClient[Document], database: str
) -> None:
    writer.apply(insert("users", ADA))
    for number in range(20):
        writer.apply(insert("tweets", {**TWEET, "_id": number}))
    sent.updates.clear()

    writer.apply(insert("users", EVE))

    [update] = sent.updates
    assert update["multi"]
    assert update["q"] == {"_id": {"$in": [*range(20)]}}
    by = {"app": "web", "author": {"name": "Eve"}}
    whole = [bson.encode({**TWEET, "_id": number, "by": by}) for number in range(20)]
    assert sorted(stored(client, database)) == sorted(whole)


REFUSED = [3, 7, 11]


def refuse(client: MongoClient[Document], database: str) -> None:
    """Have the name Eve refused in some tweets."""
    validator = {"$or": [{"by.author.name": {"$ne": "Eve"}}, {"_id": {"$nin": REFUSED}}]}
    client[database].command({"collMod": "tweets", "validator": validator})


def authors(client: MongoClient[Document], database: str) -> dict[int, Any]:
    return {each["_id"]: each["by"]["author"] for each in client[database]["tweets"].find()}


def told(client: MongoClient[Document], state_database: str) -> list[Any]:
    letters = client[state_database]["dead_letters"].find({"state": "open"})
    return sorted(each["key"] for each in letters)


def test_of_many_documents_that_get_equal_values_those_that_are_refused_are_told(
    writer: MongoWriter,
    sent: Sent,
    client: MongoClient[Document],
    database: str,
    state_database: str,
) -> None:
    writer.apply(insert("users", ADA))
    for number in range(20):
        writer.apply(insert("tweets", {**TWEET, "_id": number}))
    refuse(client, database)
    sent.updates.clear()

    writer.apply(insert("users", EVE))

    assert [each.get("multi", False) for each in sent.updates].count(True) == 1
    expected = {n: None if n in REFUSED else {"name": "Eve"} for n in range(20)}
    assert authors(client, database) == expected
    assert told(client, state_database) == REFUSED


def test_of_a_piece_that_is_owed_those_that_are_refused_are_told(
    writer: MongoWriter,
    sent: Sent,
    client: MongoClient[Document],
    database: str,
    state_database: str,
) -> None:
    create_indexes(client, Namespaces(database, state_database, "test"), MAPPINGS)
    writer.apply(insert("users", ADA))
    by = {"app": "web", "author": {"name": "Ada", "city": "Rome"}}
    tweets = [{**TWEET, "_id": number, "by": by} for number in range(AT_ONCE + 1)]
    client[database]["tweets"].insert_many(tweets)
    refuse(client, database)
    writer.apply(insert("users", EVE))
    assert authors(client, database)[0]["name"] == "Ada"
    sent.updates.clear()

    while writer.pay():
        pass

    expected = {n: None if n in REFUSED else {"name": "Eve"} for n in range(len(tweets))}
    assert authors(client, database) == expected
    assert told(client, state_database) == REFUSED
    several = AT_ONCE // PIECE  # one piece more is a single document
    assert [each.get("multi", False) for each in sent.updates].count(True) == several
