"""A target whose majority lags or is away: nothing is acknowledged, lost or made twice."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import bson
import pytest
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.write_concern import WriteConcern

from cdc.errors import LeaseHeld, NoMajority
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.job import Job, JobKind
from cdc.model.operation import Operation, OperationKind
from cdc.retry import Liveness, Stopped
from cdc.writers.documents import document_id
from cdc.writers.jobs import Jobs
from cdc.writers.writer import MongoWriter
from tests.integration.writers.support.writers import AFTER, START, begun, writer_of
from tests.support.three_members import ThreeMembers, three_members
from tests.support.waiting import eventually
from tests.support.working import working

pytestmark = pytest.mark.slow

RETURNS_WITHIN_SECONDS = 1.5
"""In which a batch that waits for nobody would have been acknowledged many times."""

STOPS_WITHIN_SECONDS = 15.0
"""The limit of one wait for a majority, and what a busy machine needs beside it."""

OFTEN = 1.0
"""A lease of so many seconds also bounds the waits between attempts, to a third of it."""

LAG_SECONDS = 12
"""Longer than one write waits for a majority."""

Client = MongoClient[dict[str, Any]]
T = TypeVar("T")


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreeMembers]:
    with three_members(tmp_path_factory.mktemp("members")) as members:
        yield members


@pytest.fixture(scope="module")
def late_members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreeMembers]:
    folder = tmp_path_factory.mktemp("late")
    with three_members(folder, delay_seconds=LAG_SECONDS) as members:
        yield members


@pytest.fixture
def client(members: ThreeMembers) -> Iterator[Client]:
    with members.client() as client:
        yield client


@pytest.fixture
def state_database() -> str:
    return f"state_{uuid.uuid4().hex[:8]}"


def batch(number: int = 1) -> Batch:
    raw = bson.encode({"_id": number})
    insert = Operation(OperationKind.INSERT, document_id(raw), raw)
    return Batch((MappedTransaction("x", AFTER, 1.0, (("docs", [insert]),)),))


def beside(work: Callable[[], T]) -> Future[T]:
    """Do something in a thread."""
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # noqa: BLE001 - whoever asks for the result gets it
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return outcome


def has_no_majority(writer: MongoWriter) -> Callable[[], bool]:
    def told() -> bool:
        outage = writer.stats().outage
        return outage is not None and "majority" in outage.error

    return told


def writing(database: Database[dict[str, Any]]) -> AbstractContextManager[None]:
    """Have another program write all the time: there is always something that a majority lacks."""
    documents = database.get_collection("docs", write_concern=WriteConcern(1))

    def write(ended: threading.Event) -> None:
        while not ended.wait(0.2):
            documents.insert_one({})

    return working(write)


def state_of(client: Client, database: str) -> dict[str, Any]:
    found = client[database]["streams"].find_one({"_id": "test"})
    assert found is not None
    return found


def test_a_batch_is_not_acknowledged_while_only_the_primary_has_it(
    members: ThreeMembers, client: Client, state_database: str
) -> None:
    with begun(client, "docs_1", state_database) as writer:
        documents = client["docs_1"].create_collection("docs")

        with members.frozen():
            applied = beside(lambda: writer.apply(batch()))
            eventually(lambda: documents.find_one({"_id": 1}), waiting_for="the document")
            began = time.monotonic()
            eventually(lambda: time.monotonic() - began > RETURNS_WITHIN_SECONDS)
            acknowledged = applied.done()

        assert not acknowledged
        applied.result(30)


def test_a_batch_that_waits_for_a_majority_says_so_turns_and_can_be_stopped(
    members: ThreeMembers, client: Client, state_database: str
) -> None:
    liveness = Liveness()
    with begun(client, "docs_2", state_database, liveness=liveness) as writer:
        client["docs_2"].create_collection("docs")

        with members.lagging():
            applied = beside(lambda: writer.apply(batch()))
            eventually(has_no_majority(writer), waiting_for="word of the majority")
            assert liveness.seconds_ago < STOPS_WITHIN_SECONDS

            began = time.monotonic()
            writer.stop()
            with pytest.raises(Stopped):
                applied.result(60)
            assert time.monotonic() - began < STOPS_WITHIN_SECONDS


def test_a_batch_whose_wait_ran_out_lands_once(
    members: ThreeMembers, client: Client, state_database: str
) -> None:
    with begun(client, "docs_3", state_database, lease_seconds=OFTEN) as writer:
        documents = client["docs_3"].create_collection("docs")

        with members.lagging():
            applied = beside(lambda: writer.apply(batch()))
            eventually(has_no_majority(writer), waiting_for="word of the majority")
            documents.delete_one({"_id": 1})  # a second application would bring it back

        applied.result(60)
        writer.apply(batch(2))
        assert state_of(client, state_database)["sequence"] == 2
        assert [each["_id"] for each in documents.find()] == [2]
        assert not writer.state.is_slow, "the wait says nothing of how long a batch takes"


def test_the_first_state_of_a_stream_is_there_for_a_majority_once_it_is_created(
    members: ThreeMembers, client: Client, state_database: str
) -> None:
    client[state_database].create_collection("streams")
    writer = writer_of(client, "docs_4", state_database, lease_seconds=OFTEN)

    def is_tried_again() -> bool:
        """Whether attempts have failed for a second: the first one has written it."""
        outage = writer.stats().outage
        return outage is not None and outage.seconds >= 1

    with members.lagging():
        created = beside(lambda: writer.create(START, []))
        eventually(lambda: created.done() or is_tried_again(), waiting_for="another attempt")
        assert not created.done()

    created.result(60)
    assert writer.take_over() == START
    writer.close()


def test_a_takeover_whose_wait_ran_out_is_taken_up_and_is_no_other_daemon_s(
    members: ThreeMembers, client: Client, state_database: str
) -> None:
    writer = writer_of(client, "docs_5", state_database, lease_seconds=OFTEN)
    writer.create(START, [])

    with members.lagging():
        taken = beside(writer.take_over)
        eventually(has_no_majority(writer), waiting_for="word of the majority")
        assert not taken.done()

    assert taken.result(60) == START
    writer.apply(batch())
    assert state_of(client, state_database)["epoch"] == 1
    writer.close()


def test_of_two_daemons_that_take_over_while_there_is_no_majority_one_does(
    members: ThreeMembers, client: Client, state_database: str
) -> None:
    first = writer_of(client, "docs_6", state_database, lease_seconds=60)
    first.create(START, [])
    second = writer_of(client, "docs_6", state_database, lease_seconds=OFTEN)

    with members.lagging():
        taken = beside(first.take_over)
        eventually(lambda: state_of(client, state_database)["epoch"] == 1)
        tried = beside(second.take_over)
        eventually(has_no_majority(second), waiting_for="word of the majority")

    assert taken.result(60) == START
    with pytest.raises(LeaseHeld):
        tried.result(60)
    assert state_of(client, state_database)["epoch"] == 1
    first.close()
    second.close()


def test_a_lease_is_renewed_without_waiting_for_a_majority(
    members: ThreeMembers, client: Client, state_database: str
) -> None:
    with begun(client, "docs_7", state_database, lease_seconds=OFTEN) as writer:
        before = state_of(client, state_database)["lease_until"]

        with members.lagging():
            began = time.monotonic()

            def renewed() -> bool:
                writer.renew_lease()
                return bool(state_of(client, state_database)["lease_until"] > before)

            eventually(renewed)
            assert time.monotonic() - began < RETURNS_WITHIN_SECONDS + OFTEN


def test_a_job_whose_wait_ran_out_can_be_requested_again_and_is_one(
    members: ThreeMembers, client: Client, state_database: str
) -> None:
    client[state_database].create_collection("jobs")
    jobs = Jobs(client, state_database=state_database, stream="test")
    job = Job.request("test", JobKind.VERIFY, "s.t", by="command-line")

    with members.lagging(), pytest.raises(NoMajority):
        jobs.add(job)

    eventually(lambda: jobs.get(job.id), waiting_for="the job")
    jobs.add(job)
    assert [each.id for each in jobs.all()] == [job.id]


def test_what_no_majority_had_is_done_again_on_a_primary_that_never_had_it(
    members: ThreeMembers, client: Client, state_database: str
) -> None:
    documents = client["docs_9"].create_collection("docs")
    creating, taking, applying = (
        writer_of(client, "docs_9", state_database, stream=name, lease_seconds=OFTEN)
        for name in ("creating", "taking", "applying")
    )
    for each in (taking, applying):
        each.create(START, [])
    applying.take_over()

    with members.lagging():
        outcomes: list[Future[Any]] = [
            beside(lambda: creating.create(START, [])),
            beside(taking.take_over),
            beside(lambda: applying.apply(batch())),
        ]
        for each in (creating, taking, applying):
            eventually(has_no_majority(each), waiting_for="word of the majority")
        killed = members.kill_primary()

    for outcome in outcomes:
        outcome.result(120)
    members.revive(killed)
    found = {
        each["_id"]: (each["epoch"], each["sequence"])
        for each in client[state_database].streams.find()
    }
    assert found == {"creating": (0, 0), "taking": (1, 0), "applying": (1, 1)}
    assert documents.count_documents({}) == 1
    for each in (creating, taking, applying):
        each.close()


def test_a_majority_that_is_always_late_is_waited_for_and_not_for_ever(
    late_members: ThreeMembers, state_database: str
) -> None:
    with late_members.client() as client:
        client["docs"].create_collection("docs")
        for name in ("streams", "dead_letters"):
            client[state_database].create_collection(name)
        writer = writer_of(client, "docs", state_database, lease_seconds=OFTEN)

        def work() -> None:
            writer.create(START, [])
            assert writer.take_over() == START
            writer.apply(batch())
            [entry] = batch(2).transactions
            writer.apply(Batch((entry,), is_filled=True))
            writer.settle()

        with writing(client["other"]):
            beside(work).result(40 * LAG_SECONDS)

        assert state_of(client, state_database)["sequence"] == 2
        writer.close()
