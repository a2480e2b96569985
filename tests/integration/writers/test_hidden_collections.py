"""The documents of a hidden collection are in the state database, whatever is done with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bson
import pytest
from pymongo import MongoClient

from cdc.mapping.file.embed_graph import EmbedGraph
from cdc.mapping.file.indexes import Index
from cdc.mapping.file.mapping import Mapping
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.operation import Operation, OperationKind
from cdc.model.state_change import CollectionClear
from cdc.writers.documents import Documents
from cdc.writers.embedding.expectation import Expectation
from cdc.writers.facts import target_facts
from cdc.writers.indexes import create_indexes, index_facts
from cdc.writers.namespaces import Namespaces
from cdc.writers.writer import MongoWriter
from tests.integration.writers.support.writers import AFTER, begun
from tests.unit.writers.dead_letters.support.batches import identifier

Client = MongoClient[dict[str, Any]]
Document = dict[str, Any]

MAPPINGS = [
    Mapping.model_validate(each)
    for each in (
        {"source": "a.users", "target": "users", "hidden": True},
        {
            "source": "a.tweets",
            "target": "tweets",
            "embed": {"author": {"one": "users", "on": "user_id", "fields": ["name"]}},
        },
    )
]
HIDDEN = "embedded-test.users"
ADA, BOB = {"_id": 1, "name": "Ada"}, {"_id": 2, "name": "Bob"}


@pytest.fixture
def namespaces(database: str, state_database: str) -> Namespaces:
    return Namespaces(database, state_database, "test", frozenset({"users"}))


@pytest.fixture
def writer(client: Client, database: str, state_database: str) -> Iterator[MongoWriter]:
    embeds = EmbedGraph(MAPPINGS)
    with begun(client, database, state_database, hidden=["users"], embeds=embeds) as writer:
        yield writer


def inserts(collection: str, *documents: Document) -> tuple[str, list[Operation]]:
    return collection, [
        Operation(OperationKind.INSERT, identifier(each["_id"]), bson.encode(each))
        for each in documents
    ]


def batch(*changes: tuple[str, list[Operation]], clears: tuple[CollectionClear, ...] = ()) -> Batch:
    return Batch((MappedTransaction("x", AFTER, 1.0, changes, clears=clears),))


def found(client: Client, database: str, collection: str) -> list[Document]:
    return [*client[database][collection].find().sort("_id")]


def test_a_batch_writes_both_databases_in_one_transaction(
    writer: MongoWriter, client: Client, database: str, state_database: str
) -> None:
    writer.apply(batch(inserts("tweets", {"_id": 7, "user_id": 1}), inserts("users", ADA)))

    assert found(client, state_database, HIDDEN) == [ADA]
    assert client[database].list_collection_names() == ["tweets"]
    assert found(client, database, "tweets") == [
        {"_id": 7, "user_id": 1, "author": {"name": "Ada"}}
    ]


def test_what_is_there_already_is_replaced_there(
    writer: MongoWriter, client: Client, database: str, state_database: str
) -> None:
    writer.apply(batch(inserts("users", ADA), inserts("tweets", {"_id": 7, "user_id": 1})))

    writer.apply(batch(inserts("users", {"_id": 1, "name": "Eve"}, BOB)))

    assert found(client, state_database, HIDDEN) == [{"_id": 1, "name": "Eve"}, BOB]
    assert found(client, database, "tweets")[0]["author"] == {"name": "Eve"}
    assert client[database].list_collection_names() == ["tweets"]


def test_changes_in_the_sources_order_go_there_too(
    writer: MongoWriter, client: Client, database: str, state_database: str
) -> None:
    writer.apply(batch(inserts("users", ADA, BOB)))
    client[state_database][HIDDEN].create_index("name", unique=True)
    swapped = [
        {"_id": 1, "name": "-"},
        {"_id": 2, "name": "Ada"},
        {"_id": 1, "name": "Bob"},
    ]

    writer.apply(batch(*(inserts("users", each) for each in swapped)))

    names = [each["name"] for each in found(client, state_database, HIDDEN)]
    assert names == ["Bob", "Ada"]
    assert client[database].list_collection_names() == []


def test_a_clear_takes_its_documents_away_and_no_others_of_the_state(
    writer: MongoWriter, client: Client, database: str, state_database: str
) -> None:
    writer.apply(batch(inserts("users", ADA, BOB)))
    client[state_database]["users"].insert_one({"_id": "of somebody else"})
    client[database]["users"].insert_one({"_id": "of somebody else"})

    writer.apply(batch(clears=(CollectionClear("users"),)))

    assert found(client, state_database, HIDDEN) == []
    assert len(found(client, state_database, "users")) == 1
    assert len(found(client, database, "users")) == 1


def test_its_documents_are_read_there(
    client: Client, state_database: str, namespaces: Namespaces
) -> None:
    client[state_database][HIDDEN].insert_many([ADA, BOB])
    documents = Documents(client, namespaces)

    assert not documents.is_empty("users", within={})
    assert documents.ids("users", after=None, limit=9, within={}) == [identifier(1), identifier(2)]
    assert [*documents.fetch("users", [identifier(2)]).values()] == [bson.encode(BOB)]
    assert documents.is_empty("tweets", within={})


def test_what_is_expected_of_documents_comes_from_there(
    client: Client, state_database: str, namespaces: Namespaces
) -> None:
    client[state_database][HIDDEN].insert_one(ADA)
    _, rows = inserts("tweets", {"_id": 7, "user_id": 1})

    [expected] = Expectation(EmbedGraph(MAPPINGS), client, namespaces).expected("tweets", rows)

    assert bson.decode(expected.document)["author"] == {"name": "Ada"}


def test_its_indexes_are_made_and_compared_there(
    client: Client, database: str, state_database: str, namespaces: Namespaces
) -> None:
    indexes = (Index.model_validate({"keys": {"name": 1}}),)
    mappings = [MAPPINGS[0].model_copy(update={"indexes": indexes}), MAPPINGS[1]]

    create_indexes(client, namespaces, mappings)

    facts = index_facts(client, namespaces, mappings)
    assert {(each.collection, each.name, each.present) for each in facts} == {
        ("users", "name_1", True),
        ("tweets", "user_id_1__id_1", True),
    }
    assert "name_1" in client[state_database][HIDDEN].index_information()
    assert client[database].list_collection_names() == ["tweets"]


def test_a_check_tries_to_write_there(
    client: Client, database: str, state_database: str, namespaces: Namespaces
) -> None:
    client[state_database].create_collection(HIDDEN, capped=True, size=4096)

    facts = target_facts(client, namespaces, ["tweets", "users"])

    assert set(facts.refusals) == {
        f"{state_database}.streams",
        f"{state_database}.{HIDDEN}",
        f"{database}.tweets",
    }
    assert facts.collections is not None
    assert [each.name for each in facts.collections] == [f"{state_database}.{HIDDEN}"]


def test_two_streams_have_each_their_own(
    client: Client, database: str, state_database: str
) -> None:
    graph = EmbedGraph(MAPPINGS)
    for stream, user in (("one", ADA), ("two", BOB)):
        options: dict[str, Any] = {"stream": stream, "hidden": ["users"], "embeds": graph}
        with begun(client, database, state_database, **options) as writer:
            writer.apply(batch(inserts("users", user)))

    assert found(client, state_database, "embedded-one.users") == [ADA]
    assert found(client, state_database, "embedded-two.users") == [BOB]
