"""Lanes on a real target: what a closed one can still do, and what counts of what it did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from bson import ObjectId
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from cdc.model.batch import Batch
from cdc.model.checkpoint import Checkpoint
from cdc.model.done import Done, Span
from cdc.model.position import FilePosition
from cdc.writers.lane_documents import Lane, LaneClosed, LaneDocuments, LanePart
from cdc.writers.rounds import BatchSize
from cdc.writers.transaction import committed
from cdc.writers.writer import MongoWriter
from tests.integration.writers.support.writers import START, full_batch, writer_of

Client = MongoClient[dict[str, Any]]
PART = LanePart((Span("log.1:", 1, 9),), 3, Checkpoint(FilePosition("log.1", 10)))
NOW = 5
"""The number of the round."""


class Made:
    """Two lanes, and the sessions that write them."""

    def __init__(self, client: Client, state_database: str) -> None:
        self.documents = LaneDocuments(client[state_database], "orders")
        self.sessions = {ObjectId(): client.start_session() for _ in range(2)}
        self.lanes = tuple(self.sessions)
        with client.start_session() as session, committed(session):
            lanes = [Lane(each, (own.session_id["id"],)) for each, own in self.sessions.items()]
            self.documents.make(lanes, session)

    def move(self, lane: ObjectId, number: int = NOW) -> None:
        with committed(self.sessions[lane]) as session:
            self.documents.move(lane, number, PART, session)


@pytest.fixture
def made(client: Client, state_database: str) -> Made:
    return Made(client, state_database)


def test_a_lane_that_is_closed_writes_no_more(made: Made) -> None:
    made.documents.close(made.lanes, NOW)

    with pytest.raises(LaneClosed):
        made.move(made.lanes[0])


def test_a_transaction_that_is_open_when_its_lane_is_closed_does_not_commit(made: Made) -> None:
    lane = made.lanes[0]
    session = made.sessions[lane]
    session.start_transaction()
    made.documents.move(lane, NOW, PART, session)

    assert made.documents.close(made.lanes, NOW) == Done()

    with pytest.raises(PyMongoError):
        session.commit_transaction()


def test_what_a_lane_has_committed_before_it_is_closed_is_told(made: Made) -> None:
    made.move(made.lanes[1])

    assert made.documents.close(made.lanes, NOW) == Done(tuple(PART.spans), PART.last)
    assert made.documents.close(made.lanes, NOW) == Done(tuple(PART.spans), PART.last), (
        "asked again"
    )


@pytest.mark.parametrize("number", [NOW - 1, NOW + 1])
def test_only_the_round_that_is_not_closed_counts(made: Made, number: int) -> None:
    made.move(made.lanes[0], number)

    assert made.documents.close(made.lanes, NOW) == Done()


def test_a_lane_writes_one_part_of_a_round(made: Made) -> None:
    made.move(made.lanes[0])

    with pytest.raises(LaneClosed):
        made.move(made.lanes[0])


@pytest.fixture
def writer(client: Client, database: str, state_database: str) -> Iterator[MongoWriter]:
    made = writer_of(client, database, state_database, lanes=2, batch_size=BatchSize(5, 1_000_000))
    made.create(START, [])
    made.take_over()
    yield made
    made.close()


def test_rounds_follow_each_other_and_batches(
    writer: MongoWriter, client: Client, database: str
) -> None:
    writer.apply(full_batch(0, 10))
    writer.apply(Batch(full_batch(10, 3).entries))
    writer.apply(full_batch(13, 10))
    writer.settle()

    assert {each["_id"] for each in client[database]["docs"].find()} == {*range(23)}
    assert writer.stats().rounds == {"landed": 2}
    assert writer.stats().transactions == 23


def test_what_has_landed_of_a_round_that_failed_is_counted_and_written_once(
    writer: MongoWriter, client: Client, database: str
) -> None:
    writer.apply(full_batch(0, 2))
    client[database].command("collMod", "docs", validator={"_id": {"$ne": 8}})
    whole = full_batch(5, 5).entries + full_batch(100, 5).entries

    with pytest.raises(Exception, match="refuses"):
        writer.apply(Batch(whole, is_filled=True))

    assert writer.is_ahead
    assert writer.stats().rounds == {"landed": 1, "in_turn": 1}
    assert writer.stats().transactions == 2 + 5
    client[database].command("collMod", "docs", validator={})
    writer.take_over()
    writer.apply(Batch(whole, is_filled=True))
    assert not writer.is_ahead
    assert writer.stats().transactions == 2 + 10
