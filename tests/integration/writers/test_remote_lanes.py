"""Rounds whose parts are carried to other writers: doubled, lost, late, or to a wrong one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import bson
import pytest
from pymongo import MongoClient

from cdc.errors import CdcError, Retryable, Unfit
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.operation import Operation, OperationKind
from cdc.model.position import FilePosition
from cdc.writers import remote_lanes
from cdc.writers.documents import document_id
from cdc.writers.namespaces import Namespaces
from cdc.writers.part_message import Invitation, PartMessage, decode
from cdc.writers.part_writer import Outcome, PartWriter
from cdc.writers.rounds import BatchSize
from cdc.writers.stats import WriterCounters
from cdc.writers.writer import MongoWriter
from tests.integration.writers.support.writers import START, full_batch, writer_of

Client = MongoClient[dict[str, Any]]
LANES = 2


class Carrier:
    """A transport that hands each part to its writer at once; `carry` may do otherwise."""

    def __init__(self, client: Client, database: str, state_database: str) -> None:
        self._client = client
        self._namespaces = Namespaces(database, state_database, "test")
        self.writers = [self.writer() for _ in range(LANES)]
        self.sent: list[tuple[int, bytes]] = []
        self.outcomes: list[Outcome] = []
        self.carry: Callable[[int, bytes], None] = self.deliver
        self.lost: CdcError | None = None

    def writer(self, user: str = "", database: str = "") -> PartWriter:
        mine = self._namespaces
        names = Namespaces(database or mine.database, mine.state_database, mine.stream)
        return PartWriter(self._client, names, user, counters=WriterCounters())

    def is_ready(self) -> bool:
        return True

    def send(self, partition: int, lane: str, number: int, data: bytes) -> None:
        self.sent.append((partition, data))
        self.carry(partition, data)

    def deliver(self, partition: int, data: bytes) -> None:
        self.outcomes.append(self.writers[partition].write(data).outcome)

    def error(self) -> CdcError | None:
        lost, self.lost = self.lost, None
        return lost

    def close(self) -> None:
        for each in self.writers:
            each.close()

    @property
    def parts(self) -> list[tuple[int, bytes]]:
        """Those of what was sent that are no invitations."""
        return [each for each in self.sent if isinstance(decode(each[1]), PartMessage)]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_lanes, "STILL_SECONDS", 0.3)
    monkeypatch.setattr(remote_lanes, "TURN_SECONDS", 0.0)


@pytest.fixture
def carrier(client: Client, database: str, state_database: str) -> Carrier:
    return Carrier(client, database, state_database)


@pytest.fixture
def writer(
    client: Client, database: str, state_database: str, carrier: Carrier
) -> Iterator[MongoWriter]:
    with _begun(client, database, state_database, carrier) as made:
        made.apply(full_batch(0, 10))  # makes the lanes, and invites
        yield made


@contextmanager
def _begun(
    client: Client, database: str, state_database: str, carrier: Carrier
) -> Iterator[MongoWriter]:
    """Yield the writer of a new stream whose parts are carried."""
    made = writer_of(
        client,
        database,
        state_database,
        lanes=LANES,
        batch_size=BatchSize(5, 1_000_000),
        transport=carrier,
    )
    made.create(START, [])
    made.take_over()
    yield made
    made.close()


def keys(client: Client, database: str) -> list[int]:
    return sorted(each["_id"] for each in client[database]["docs"].find())


def test_a_round_is_written_by_those_who_attend_its_lanes(
    writer: MongoWriter, carrier: Carrier, client: Client, database: str
) -> None:
    writer.apply(full_batch(10, 10))

    assert keys(client, database) == [*range(20)]
    assert writer.stats().rounds == {"landed": 1}
    assert carrier.outcomes == [Outcome.ATTENDED] * LANES + [Outcome.LANDED] * LANES


def test_a_batch_is_written_here_while_a_lane_is_not_attended(
    client: Client, database: str, state_database: str, carrier: Carrier
) -> None:
    carrier.carry = lambda partition, data: None

    with _begun(client, database, state_database, carrier) as made:
        made.apply(full_batch(0, 10))
        made.apply(full_batch(10, 10))

        assert keys(client, database) == [*range(20)]
        assert carrier.parts == []
        assert made.stats().lanes_attended is False


def test_a_part_that_arrives_twice_is_written_once(
    writer: MongoWriter, carrier: Carrier, client: Client, database: str
) -> None:
    def twice(partition: int, data: bytes) -> None:
        carrier.deliver(partition, data)
        carrier.deliver(partition, data)

    carrier.carry = twice
    writer.apply(full_batch(10, 10))

    assert keys(client, database) == [*range(20)]
    assert carrier.outcomes.count(Outcome.LANDED) == LANES
    assert carrier.outcomes.count(Outcome.DROPPED) == LANES


def test_a_part_that_another_one_has_written_is_dropped(
    writer: MongoWriter, carrier: Carrier, client: Client, database: str
) -> None:
    writer.apply(full_batch(10, 10))
    other = carrier.writer()

    assert [other.write(data).outcome for _, data in carrier.parts] == [Outcome.DROPPED] * LANES
    other.close()


def test_what_was_lost_is_written_here(
    writer: MongoWriter, carrier: Carrier, client: Client, database: str
) -> None:
    carrier.carry = lambda partition, data: carrier.deliver(partition, data) if partition else None
    writer.apply(full_batch(10, 10))

    assert keys(client, database) == [*range(20)]
    assert writer.stats().rounds == {"in_turn": 1}
    assert writer.stats().transactions == 20


def test_what_arrives_behind_its_round_is_dropped(
    writer: MongoWriter, carrier: Carrier, client: Client, database: str
) -> None:
    carrier.carry = lambda partition, data: None
    writer.apply(full_batch(10, 10))
    writer.apply(Batch((deletion(12),)))

    for partition, data in carrier.parts:
        carrier.deliver(partition, data)

    assert carrier.outcomes[-LANES:] == [Outcome.DROPPED] * LANES
    assert keys(client, database) == [each for each in range(20) if each != 12]


def deletion(key: int) -> MappedTransaction:
    identifier = document_id(bson.encode({"_id": key}))
    removed = Operation(OperationKind.DELETE, identifier)
    after = Checkpoint(FilePosition("binlog.000001", 5_000))
    return MappedTransaction("binlog.000001:4000", after, 1.0, (("docs", [removed]),))


def test_a_part_is_not_written_over_an_older_state_of_the_stream(
    writer: MongoWriter, carrier: Carrier, client: Client, state_database: str, database: str
) -> None:
    """As after a restore: the lane is open there, and at an older round."""
    writer.apply(full_batch(10, 10))
    lanes = [*client[state_database]["lanes"].find()]
    stream = client[state_database]["streams"].find_one()
    assert stream is not None
    writer.apply(full_batch(20, 10))
    for each in lanes:
        client[state_database]["lanes"].replace_one({"_id": each["_id"]}, each)
    older = {"sequence": stream["sequence"] - 1}
    client[state_database]["streams"].update_one({"_id": "test"}, {"$set": older})

    late = carrier.parts[-LANES:]
    assert [carrier.writer().write(data).outcome for _, data in late] == [Outcome.DROPPED] * LANES
    newer = {"sequence": stream["sequence"] + 1}
    client[state_database]["streams"].update_one({"_id": "test"}, {"$set": newer})


def test_what_is_not_sent_fails_the_round_at_once(
    writer: MongoWriter, carrier: Carrier, client: Client, database: str
) -> None:
    def refuse(partition: int, data: bytes) -> None:
        raise Retryable("the broker is away")

    carrier.carry = refuse
    writer.apply(full_batch(10, 10))

    assert keys(client, database) == [*range(20)]
    assert writer.stats().rounds == {"in_turn": 1}


def test_what_is_known_not_to_arrive_fails_the_round_at_once(
    writer: MongoWriter,
    carrier: Carrier,
    client: Client,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remote_lanes, "STILL_SECONDS", 600.0)

    def lose(partition: int, data: bytes) -> None:
        carrier.lost = Retryable("the broker is away")

    carrier.carry = lose
    writer.apply(full_batch(10, 10))

    assert keys(client, database) == [*range(20)]


def test_a_part_that_the_target_refuses_fails_the_round_at_once(
    writer: MongoWriter,
    carrier: Carrier,
    client: Client,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remote_lanes, "STILL_SECONDS", 600.0)
    client[database]["docs"].insert_one({"_id": 13, "of": "somebody else"})

    writer.apply(full_batch(10, 10))

    assert Outcome.FAILED in carrier.outcomes
    assert keys(client, database) == [*range(20)]
    assert client[database]["docs"].find_one({"_id": 13}) == {"_id": 13}
    writer.apply(full_batch(20, 10))  # its id was there already: no reason to leave rounds out
    writer.apply(full_batch(30, 10))
    assert writer.stats().rounds == {"in_turn": 1, "landed": 1}


def test_the_transaction_of_one_that_stands_still_does_not_keep_the_lanes_from_closing(
    writer: MongoWriter, carrier: Carrier, client: Client, database: str
) -> None:
    def begin(partition: int, data: bytes) -> None:
        """Leave a transaction open that locks the lane's document."""
        found = decode(data)
        assert isinstance(found, PartMessage)
        mine = carrier.writers[partition]
        session = vars(mine)["_session"]
        session.start_transaction()
        vars(mine)["_lanes"].move(found.lane, found.round, found.note, session)

    carrier.carry = begin
    writer.apply(full_batch(10, 10))

    assert keys(client, database) == [*range(20)]
    for each in carrier.writers:
        with suppress(Exception):
            vars(each)["_session"].abort_transaction()


def test_an_invitation_to_a_lane_that_is_closed_is_dropped(
    writer: MongoWriter, carrier: Carrier
) -> None:
    [invitation, *_] = [data for _, data in carrier.sent]
    assert isinstance(decode(invitation), Invitation)
    writer.take_over()

    assert carrier.writer().write(invitation).outcome is Outcome.DROPPED


@pytest.mark.parametrize(
    ("other", "remedy"),
    [({"user": "admin.somebody"}, "target.uri"), ({"database": "elsewhere"}, "target.database")],
    ids=str,
)
def test_one_that_is_configured_otherwise_says_so(
    writer: MongoWriter, carrier: Carrier, other: dict[str, str], remedy: str
) -> None:
    [invitation, *_] = [data for _, data in carrier.sent]

    with pytest.raises(Unfit) as caught:
        carrier.writer(**other).write(invitation)

    assert remedy in (caught.value.remedy or "")


def test_bytes_that_are_no_part_are_dropped(writer: MongoWriter, carrier: Carrier) -> None:
    assert carrier.writers[0].write(b"no BSON").outcome is Outcome.DROPPED


def test_a_takeover_counts_what_was_written_elsewhere(
    writer: MongoWriter, carrier: Carrier, client: Client, database: str, state_database: str
) -> None:
    """The daemon dies when one of two parts has landed."""

    class Died(Exception):
        """It is no more."""

    def one(partition: int, data: bytes) -> None:
        carrier.deliver(partition, data)
        raise Died

    carrier.carry = one
    with pytest.raises(Died):
        writer.apply(full_batch(10, 10))

    writer.take_over()

    assert writer.is_ahead
    writer.apply(full_batch(10, 10))
    assert keys(client, database) == [*range(20)]
    assert not writer.is_ahead
