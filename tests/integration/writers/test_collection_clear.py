from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Decimal128, Int64
from pymongo import MongoClient
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from cdc.errors import Fenced, WriteRefused
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.state_change import CollectionClear
from cdc.retry import Stopped
from cdc.writers.collection_clear import PIECE
from cdc.writers.writer import MongoWriter
from cdc_sandbox.servers import MongoServer
from tests.integration.writers.support.writers import AFTER, begun

NOW = datetime(2024, 5, 6, tzinfo=UTC)


@pytest.fixture
def writer(
    client: MongoClient[dict[str, Any]], database: str, state_database: str
) -> Iterator[MongoWriter]:
    with begun(client, database, state_database) as writer:
        yield writer


def clearing(*clears: CollectionClear) -> Batch:
    return Batch((MappedTransaction("x", AFTER, 1.0, clears=clears),))


def test_ids_of_every_type_and_number_of_pieces_are_cleared(
    writer: MongoWriter, client: MongoClient[dict[str, Any]], database: str
) -> None:
    ids = ("a", "long" * 2_000, 1.5, Int64(2**40), Decimal128("1E9"), {"a": 1, "b": 2})
    odd = [{"_id": each} for each in ids]
    client[database]["docs"].insert_many([*odd, *({"_id": -n} for n in range(1, 2 * PIECE))])
    client[database]["others"].insert_one({"_id": 1})

    writer.apply(clearing(CollectionClear("docs")))

    assert client[database]["docs"].count_documents({}) == 0
    assert client[database]["others"].count_documents({}) == 1


def test_only_a_shards_own_documents_are_cleared(
    writer: MongoWriter, client: MongoClient[dict[str, Any]], database: str
) -> None:
    ids = [{"schema": schema, "id": number} for schema in ("eu", "us") for number in (1, 2)]
    client[database]["docs"].insert_many([{"_id": each} for each in ids])

    writer.apply(clearing(CollectionClear("docs", {"_id.schema": "eu"})))

    left = [document["_id"]["schema"] for document in client[database]["docs"].find()]
    assert left == ["us", "us"]


def test_under_soft_delete_documents_are_marked_once(
    writer: MongoWriter, client: MongoClient[dict[str, Any]], database: str
) -> None:
    marked = {"_id": 1, "gone": datetime(2020, 1, 1, tzinfo=UTC)}
    client[database]["docs"].insert_many([marked, {"_id": 2, "word": "kept"}])

    writer.apply(clearing(CollectionClear("docs", marks={"gone": NOW})))

    assert list(client[database]["docs"].find().sort("_id")) == [
        marked,
        {"_id": 2, "word": "kept", "gone": NOW},
    ]


@pytest.mark.parametrize(
    ("live", "marks"),
    [
        ({"deleted_at": None}, {"deleted_at": NOW}),
        ({"status": "new"}, {"status": "gone"}),
        ({"deleted": 0, "deleted_at": NOW}, {"deleted": True, "deleted_at": NOW}),
        ({"about": {"gone": False}}, {"about.gone": True}),
    ],
)
def test_documents_whose_own_field_is_the_mark_are_marked_too(
    writer: MongoWriter,
    client: MongoClient[dict[str, Any]],
    database: str,
    live: dict[str, Any],
    marks: dict[str, Any],
) -> None:
    client[database]["docs"].insert_many([{"_id": 1, **live}, {"_id": 2, **live}])

    writer.apply(clearing(CollectionClear("docs", marks=marks)))

    assert client[database]["docs"].count_documents(marks) == 2


def test_a_document_that_cannot_be_marked_stops_the_writer_before_the_checkpoint(
    writer: MongoWriter, client: MongoClient[dict[str, Any]], database: str, state_database: str
) -> None:
    client[database].create_collection("docs", validator={"gone": {"$exists": False}})
    client[database]["docs"].insert_one({"_id": 7})

    with pytest.raises(WriteRefused, match=r"a document of docs: validator \(code 121\)"):
        writer.apply(clearing(CollectionClear("docs", marks={"gone": NOW})))

    state = client[state_database]["streams"].find_one({"_id": "test"})
    assert state is not None
    assert state["position"]["offset"] == 4


def test_a_writer_that_was_replaced_takes_nothing_away(
    writer: MongoWriter, client: MongoClient[dict[str, Any]], database: str, state_database: str
) -> None:
    client[database]["docs"].insert_one({"_id": 1})
    client[state_database]["streams"].update_one({"_id": "test"}, {"$inc": {"epoch": 1}})

    with pytest.raises(Fenced):
        writer.apply(clearing(CollectionClear("docs")))

    assert client[database]["docs"].count_documents({}) == 1


def test_a_stop_is_heeded_between_two_pieces(
    writer: MongoWriter, client: MongoClient[dict[str, Any]], database: str
) -> None:
    client[database]["docs"].insert_many([{"_id": number} for number in range(PIECE + 1)])
    writer.stop()

    with pytest.raises(Stopped):
        writer.apply(clearing(CollectionClear("docs")))

    assert client[database]["docs"].count_documents({}) == 1


@pytest.mark.parametrize(("marks", "command"), [({}, "delete"), ({"gone": NOW}, "update")])
def test_documents_that_nothing_embeds_are_not_read(
    mongo: MongoServer, database: str, state_database: str, marks: dict[str, Any], command: str
) -> None:
    sent = Sent(database)
    with MongoClient[dict[str, Any]](mongo.uri, event_listeners=[sent]) as client:
        client[database]["docs"].insert_many([{"_id": number} for number in range(3)])
        with begun(client, database, state_database) as writer:
            sent.commands.clear()

            writer.apply(clearing(CollectionClear("docs", marks=marks)))

    assert [each for each in sent.commands if each != "getMore"] == ["find", command, "find"]
    assert sent.projections == [{"_id": 1}] * 2


class Sent(CommandListener):
    """The commands on one database, in their order."""

    def __init__(self, database: str) -> None:
        self._database = database
        self.commands: list[str] = []
        self.projections: list[Any] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.database_name == self._database:
            self.commands.append(event.command_name)
            if event.command_name == "find":
                self.projections.append(event.command["projection"])

    def succeeded(self, event: CommandSucceededEvent) -> None:
        pass

    def failed(self, event: CommandFailedEvent) -> None:
        pass
