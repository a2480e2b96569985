"""What is embedded is owed if a transaction with it is too large, or lasts too long."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bson
import pytest
from pymongo import MongoClient

from cdc.mapping.file.embed_graph import EmbedGraph
from cdc.mapping.file.mapping import Mapping
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.operation import Operation, OperationKind
from cdc.writers.conflicts import NORMAL_CONFLICTS
from cdc.writers.indexes import create_indexes
from cdc.writers.namespaces import Namespaces
from cdc.writers.writer import MongoWriter
from tests.integration.writers.support.failing import fail
from tests.integration.writers.support.writers import begun
from tests.unit.writers.dead_letters.support.batches import identifier, position

TOO_LARGE = {"TransactionTooLarge": 257, "TransactionTooLargeForCache": 388}
EXPIRED = {"NoSuchTransaction": 251, "TransactionExceededLifetimeLimitSeconds": 290}
CONFLICT = 112
TWEETS = "docs.tweets"
FOLLOWED = [
    {"source": "a.users", "target": "users"},
    {
        "source": "a.tweets",
        "target": "tweets",
        "embed": {"author": {"one": "users", "on": "user_id", "fields": ["name"]}},
    },
]

Client = MongoClient[dict[str, Any]]


@pytest.fixture
def writer(failing_client: Client) -> Iterator[MongoWriter]:
    """A writer of tweets 1 to 20 by two users, each with its author."""
    for name in ("docs", "state"):
        failing_client.drop_database(name)
    mappings = [*map(Mapping.model_validate, FOLLOWED)]
    create_indexes(failing_client, Namespaces("docs", "state", "test"), mappings)
    options = {"embeds": EmbedGraph(mappings), "lease_seconds": 1.0}
    with begun(failing_client, "docs", "state", **options) as writer:
        users = [{"_id": 1, "name": "Ada"}, {"_id": 2, "name": "Bob"}]
        tweets = [{"_id": number, "user_id": 1 + number % 2} for number in range(1, 21)]
        writer.apply(written(1, users=users, tweets=tweets))
        yield writer
    failing_client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})


def written(*numbers: int, **documents: list[dict[str, Any]]) -> Batch:
    """A batch of transactions that write all these documents, each of the same ones."""
    changes = tuple(
        (
            collection,
            [
                Operation(OperationKind.REPLACE, identifier(each["_id"]), bson.encode(each))
                for each in found
            ],
        )
        for collection, found in documents.items()
    )
    return Batch(
        tuple(
            MappedTransaction(f"uuid:{n}", Checkpoint(position(n * 100)), float(n), changes)
            for n in numbers
        )
    )


def names(client: Client) -> set[Any]:
    return {each["author"]["name"] for each in client["docs"]["tweets"].find()}


def debts(client: Client) -> int:
    return client["state"]["debts"].count_documents({})


def paid(writer: MongoWriter) -> None:
    while writer.pay():
        pass


@pytest.mark.parametrize("code", TOO_LARGE.values(), ids=TOO_LARGE)
def test_what_is_derived_is_owed_if_the_transaction_is_too_large(
    failing_client: Client, writer: MongoWriter, code: int
) -> None:
    fail(failing_client, 1, code, "update", TWEETS)

    writer.apply(written(2, 3, users=[{"_id": 2, "name": "Eve"}]))

    assert names(failing_client) == {"Ada", "Bob"}
    assert debts(failing_client) == 1
    paid(writer)
    assert names(failing_client) == {"Ada", "Eve"}
    assert debts(failing_client) == 0
    assert writer.stats().owed == {("tweets", "author"): 0}


@pytest.mark.parametrize("code", EXPIRED.values(), ids=EXPIRED)
def test_what_is_derived_is_owed_if_the_transaction_lasts_too_long(
    failing_client: Client, writer: MongoWriter, code: int
) -> None:
    fail(failing_client, 1, code, "update", TWEETS)

    writer.apply(written(2, users=[{"_id": 2, "name": "Eve"}]))

    assert debts(failing_client) == 1
    fail(failing_client, 2, code, "update", TWEETS)
    paid(writer)
    assert names(failing_client) == {"Ada", "Eve"}


def test_what_is_derived_is_owed_if_the_cache_does_not_hold_a_transaction_that_cannot_be_cut(
    failing_client: Client, writer: MongoWriter
) -> None:
    fail(failing_client, NORMAL_CONFLICTS, CONFLICT, "update", TWEETS)

    writer.apply(written(2, users=[{"_id": 2, "name": "Eve"}]))

    assert debts(failing_client) == 1
    paid(writer)
    assert names(failing_client) == {"Ada", "Eve"}


def test_a_commit_that_finds_no_transaction_is_tried_with_less(
    failing_client: Client, writer: MongoWriter
) -> None:
    fail(failing_client, 2, 251, "commitTransaction")

    writer.apply(written(2, users=[{"_id": 2, "name": "Eve"}]))

    paid(writer)
    assert names(failing_client) == {"Ada", "Eve"}
    assert (writer.read_state() or {})["position"]["offset"] == 200


def test_debts_of_embeds_that_no_mapping_has_are_forgotten(
    failing_client: Client, writer: MongoWriter
) -> None:
    others = [{"stream": name, "embed": "tweets editor", "key": [1]} for name in ("test", "other")]
    failing_client["state"]["debts"].insert_many([{"_id": each} for each in others])
    before = (writer.read_state() or {})["sequence"]

    writer.forget_debts()
    writer.forget_debts()

    assert [each["_id"]["stream"] for each in failing_client["state"]["debts"].find()] == ["other"]
    assert (writer.read_state() or {})["sequence"] == before + 1
