"""Documents named by their places, on a real server; and what mongos would do with each command."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bson
import pytest
from pymongo import MongoClient

from cdc.model.batch import Batch, MappedTransaction
from cdc.model.dead_letter import Origin
from cdc.model.operation import Operation, OperationKind
from cdc.model.state_change import CollectionClear
from cdc.writers.collection_clear import PIECE
from cdc.writers.documents import document_id
from cdc.writers.sharding import Sharding
from cdc.writers.stream_state import STATE_COLLECTIONS
from cdc.writers.writer import MongoWriter
from cdc_sandbox.servers import MongoServer
from tests.integration.writers.support.writers import AFTER, begun
from tests.support.mongos import Mongos, Route
from tests.support.recording import Recorded, Recorder

INSERT, REPLACE, DELETE = OperationKind.INSERT, OperationKind.REPLACE, OperationKind.DELETE
ORDERS = Sharding({"orders": (("of", "tenant"),)})
KEY = {"of.tenant": 1, "_id": 1}

Client = MongoClient[dict[str, Any]]


def order(kind: OperationKind, number: Any, tenant: Any, **more: Any) -> Operation:
    document = bson.encode({"_id": number, "of": {"tenant": tenant}, **more})
    return Operation(kind, document_id(document), document)


def batch(*operations: Operation, collection: str = "orders") -> Batch:
    changes = ((collection, operations),)
    origin = Origin("shop.orders", halts=False)
    return Batch((MappedTransaction("x", AFTER, 1.0, changes, origins=(origin,)),))


class Target:
    """A writer whose target counts as sharded, and the commands that it sends."""

    def __init__(self, writer: MongoWriter, recorder: Recorder, client: Client, names: list[str]):
        self.writer = writer
        self.recorder = recorder
        self._database, self._states = names
        self._client = client

    def apply(self, *operations: Operation) -> None:
        self.writer.apply(batch(*operations))

    def documents(self) -> list[dict[str, Any]]:
        return list(self._client[self._database]["orders"].find().sort("_id", 1))

    def letters(self) -> int:
        return self._client[self._states]["dead_letters"].count_documents({})

    def put(self, *documents: dict[str, Any]) -> None:
        self._client[self._database]["orders"].insert_many(documents)

    def remove(self) -> None:
        self._client[self._database]["orders"].delete_many({})

    def sent(self) -> list[Recorded]:
        return self.recorder.writes_to(self._database)

    def routes(self) -> list[Route]:
        """Where mongos sends each statement of the writes to the collection."""
        there = frozenset(f"{self._states}.{each}" for each in STATE_COLLECTIONS)
        mongos = Mongos({f"{self._database}.orders": KEY}, there)
        return [
            route
            for each in self.recorder.commands
            for route in mongos.routes(
                each.database, each.command, in_transaction=each.in_transaction
            )
            if each.database == self._database and each.verb != "find"
        ]


@pytest.fixture
def target(
    mongo: MongoServer, client: Client, database: str, state_database: str
) -> Iterator[Target]:
    recorder = Recorder()
    with (
        mongo.client(event_listeners=[recorder]) as recorded,
        begun(
            recorded, database, state_database, sharding=ORDERS, is_behind_mongos=lambda _: True
        ) as writer,
    ):
        recorder.commands.clear()
        yield Target(writer, recorder, client, [database, state_database])


def test_a_document_that_moves_is_deleted_and_written_in_one_transaction(target: Target) -> None:
    target.apply(order(INSERT, 1, "a"), order(INSERT, 2, "a"))

    target.apply(order(DELETE, 1, "a"), order(REPLACE, 1, "b", n=1), order(REPLACE, 2, "a", n=2))

    assert target.documents() == [
        {"_id": 1, "of": {"tenant": "b"}, "n": 1},
        {"_id": 2, "of": {"tenant": "a"}, "n": 2},
    ]
    assert [each.verb for each in target.sent()] == ["insert", "delete", "update"]
    assert len({each.command["txnNumber"] for each in target.sent()[1:]}) == 1
    assert {*target.routes()} == {Route.TARGETED}


def test_what_each_place_has_at_last_is_sent_unordered(target: Target) -> None:
    target.apply(order(INSERT, 1, "a"), order(DELETE, 1, "a"), order(REPLACE, 1, "b"))

    assert target.documents() == [{"_id": 1, "of": {"tenant": "b"}}]
    assert [each.command["ordered"] for each in target.sent()] == [False, False]


def test_every_commit_is_at_a_majority(target: Target) -> None:
    changes = batch(order(INSERT, 1, "a"))

    target.writer.apply(Batch(changes.entries, is_filled=True))

    commits = [each for each in target.recorder.commands if each.verb == "commitTransaction"]
    assert [each.command["writeConcern"]["w"] for each in commits] == ["majority"]


@pytest.mark.parametrize("kind", [INSERT, REPLACE])
def test_a_document_of_the_same_id_at_another_place_goes_first(
    target: Target, kind: OperationKind
) -> None:
    target.put({"_id": 1, "of": {"tenant": "old"}}, {"_id": 2, "n": 5})

    target.apply(order(kind, 1, "new"), order(kind, 2, "new"), order(kind, 3, "new"))

    assert target.documents() == [{"_id": n, "of": {"tenant": "new"}} for n in (1, 2, 3)]
    assert target.letters() == 0
    assert {*target.routes()} == {Route.TARGETED}


def test_a_refusal_for_a_document_that_no_read_finds_is_tried_again(
    target: Target,
) -> None:
    """As an orphan: it refuses the write, and is gone when one looks, and then for good."""
    target.put({"_id": 1, "of": {"tenant": "old"}})
    looks: list[Recorded] = []

    def gone_when_looked_for(command: Recorded) -> None:
        if command.verb == "find" and command.collection == "orders":
            looks.append(command)
            target.remove()

    target.recorder.before = gone_when_looked_for
    target.apply(order(REPLACE, 1, "new"))

    assert target.documents() == [{"_id": 1, "of": {"tenant": "new"}}]
    assert len(looks) == 1
    assert target.writer.stats().retries == 1
    assert target.letters() == 0


def test_another_unique_index_still_makes_letters(
    target: Target, client: Client, database: str
) -> None:
    client[database]["orders"].create_index("n", unique=True)
    target.put({"_id": 9, "of": {"tenant": "a"}, "n": 1})

    target.apply(order(INSERT, 1, "a", n=1), order(INSERT, 2, "a", n=2))

    assert [each["_id"] for each in target.documents()] == [2, 9]
    assert target.letters() == 1


def test_a_repetition_in_the_sources_order_names_places_and_stays_ordered(
    target: Target, client: Client, database: str
) -> None:
    client[database]["orders"].create_index("n", unique=True)
    target.apply(order(INSERT, 1, "a", n=1), order(INSERT, 2, "b", n=2))
    target.recorder.commands.clear()

    target.apply(
        order(REPLACE, 1, "a", n=0), order(REPLACE, 2, "b", n=1), order(REPLACE, 1, "a", n=2)
    )

    assert [each["n"] for each in target.documents()] == [2, 1]
    assert target.sent()[-1].command["ordered"] is True
    assert {*target.routes()} == {Route.TARGETED}


def test_a_clear_names_the_places_of_what_it_finds(target: Target) -> None:
    target.put(*({"_id": n, "of": {"tenant": n % 3}} for n in range(PIECE + 5)))
    target.put({"_id": "x"}, {"_id": "y", "of": {"tenant": None}})

    target.writer.apply(
        Batch((MappedTransaction("x", AFTER, 1.0, clears=(CollectionClear("orders"),)),))
    )

    assert target.documents() == []
    assert len(target.sent()) == 2
    assert {*target.routes()} == {Route.TARGETED}


def test_a_deletion_of_what_was_not_found_asks_every_shard(target: Target) -> None:
    target.put({"_id": 1, "of": {"tenant": "a"}})

    target.apply(Operation(DELETE, order(DELETE, 1, "a").id))

    assert target.documents() == []
    assert target.routes() == [Route.BROADCAST]


@pytest.mark.parametrize("is_sharded", [True, False])
def test_collections_with_the_id_as_key_are_as_before(
    mongo: MongoServer, database: str, state_database: str, is_sharded: bool
) -> None:
    recorder = Recorder()
    with (
        mongo.client(event_listeners=[recorder]) as client,
        begun(client, database, state_database, is_behind_mongos=lambda _: is_sharded) as writer,
    ):
        writer.apply(batch(order(REPLACE, 1, "a"), order(DELETE, 2, "a")))

    mongos = Mongos({f"{database}.orders": {"_id": "hashed"}})
    routes = [
        route
        for each in recorder.writes_to(database)
        for route in mongos.routes(each.database, each.command, in_transaction=True)
    ]
    assert routes == [Route.TARGETED, Route.TARGETED]
    assert {each.command["ordered"] for each in recorder.writes_to(database)} == {not is_sharded}
