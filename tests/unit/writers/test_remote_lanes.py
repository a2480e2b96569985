"""What is told of lanes that nobody attends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unittest.mock import MagicMock

import pytest
from bson import ObjectId
from pymongo.errors import OperationFailure
from structlog.testing import capture_logs

from cdc.errors import CdcError, PublishRefused
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.done import Span
from cdc.model.position import FilePosition
from cdc.writers import remote_lanes
from cdc.writers.lane_documents import Lane, LanePart
from cdc.writers.lanes import Written
from cdc.writers.namespaces import Namespaces
from cdc.writers.remote_lanes import RemoteLanes
from cdc.writers.rounds import Part
from cdc.writers.sharding import NOT_SHARDED
from cdc.writers.strategy import WriteStrategy
from cdc.writers.sync_timestamps import SyncTimestamps

AFTER = Checkpoint(FilePosition("binlog.000001", 90))
ROUND = 7


class State:
    """The lanes' documents: `attended` have an applier, `landed` the round; `left` have none more.

    It is the first lanes that are attended and have landed, and the last ones that are left.
    """

    round = ROUND

    def __init__(self) -> None:
        self.attended = 1
        self.landed = 0
        self.left = 0
        self._lanes: list[ObjectId] = []

    def make_lanes(self, lanes: Sequence[Lane], _: object) -> None:
        self._lanes = [each.id for each in lanes]

    def find_lanes(self, _: object = None) -> dict[ObjectId, dict[str, Any]]:
        return {
            each: {
                "sessions": [b"an applier's"] if number < self.attended else [],
                "round": ROUND if number < self.landed else 0,
                "closed": False,
                "left": number >= len(self._lanes) - self.left,
            }
            for number, each in enumerate(self._lanes)
        }


class Transport:
    """The appliers attend as many lanes as they `answer`."""

    def __init__(self, state: State) -> None:
        self.sent: list[int] = []
        self.lost: CdcError | None = None
        self.answer = 1
        self._state = state

    def is_ready(self) -> bool:
        return True

    def send(self, partition: int, _lane: str, _number: int, _data: bytes) -> None:
        self.sent.append(partition)
        self._state.attended = self.answer

    def error(self) -> CdcError | None:
        lost, self.lost = self.lost, None
        return lost

    def close(self) -> None:
        pass


class Clock:
    now = 1_000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(remote_lanes, "time", clock)
    return clock


@pytest.fixture
def state() -> State:
    return State()


@pytest.fixture
def transport(state: State) -> Transport:
    return Transport(state)


@pytest.fixture
def lanes(clock: Clock, state: Any, transport: Transport) -> RemoteLanes:
    namespaces, stamps = Namespaces("docs", "states", "shop"), SyncTimestamps({})
    made = RemoteLanes(state, namespaces, stamps, transport, user=lambda: "", count=3)
    made.make(MagicMock())
    return made


def test_it_is_told_which_lanes_nobody_attends_once_that_lasts(
    lanes: RemoteLanes, transport: Transport, clock: Clock
) -> None:
    with capture_logs() as told:
        for _ in range(20):
            assert not lanes.are_attended()
            clock.now += 1
    assert transport.sent[:3] == [0, 1, 2]
    assert not told

    with capture_logs() as told:
        for _ in range(60):
            assert not lanes.are_attended()
            clock.now += 1
    assert [(each["event"], each["lanes"]) for each in told][:1] == [("lanes_unattended", [1, 2])]
    assert len(told) <= 2


def test_why_an_invitation_is_lost_is_told(lanes: RemoteLanes, transport: Transport) -> None:
    transport.lost = PublishRefused("not allowed", remedy="allow it")

    with capture_logs() as told:
        lanes.are_attended()

    [line] = told
    assert (line["event"], line["error"], line["remedy"]) == (
        "lanes_not_invited",
        "not allowed",
        "allow it",
    )


def test_the_next_invitation_waits_longer_each_time_that_a_lane_is_too_slow(
    lanes: RemoteLanes, state: State, transport: Transport, clock: Clock
) -> None:
    transport.answer = 3

    def waited() -> float:
        """Attend other lanes, and have a round written; return how long it took to attend them."""
        state.attended = 0
        lanes.forget()
        lanes.make(MagicMock())
        began = clock.now
        while not lanes.are_attended():
            clock.now += 1
        attended = clock.now
        assert bool(written(lanes).failed) == (state.landed < 3)
        return attended - began

    state.landed = 2
    waits = [waited() for _ in range(5)]
    assert waits == sorted(waits)
    assert waits[0] < 5
    assert waits[-1] > 60

    state.landed = 3
    waited()
    assert waited() < 5


def written(lanes: RemoteLanes) -> Written:
    """Have a round of three parts written."""
    return lanes.write(
        MagicMock(strategy=WriteStrategy.UPSERT),
        [part(number) for number in range(3)],
        NOT_SHARDED,
        behind=MagicMock(cluster_time=None, operation_time=None),
        meanwhile=lambda: None,
    )


def test_a_round_of_a_lane_that_its_applier_has_left_fails_soon(
    lanes: RemoteLanes, state: State, clock: Clock
) -> None:
    state.landed, state.left = 2, 1
    began = clock.now

    [failed] = written(lanes).failed

    assert "has ended" in str(failed)
    assert 5 <= clock.now - began < 7


def test_a_lane_that_another_applier_attends_is_left_by_nobody(
    lanes: RemoteLanes, state: State, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.landed, state.left = 2, 1
    began, find = clock.now, state.find_lanes

    def attended(session: object = None) -> dict[ObjectId, dict[str, Any]]:
        """Attend it after three seconds; the part has landed after eight."""
        state.left = int(clock.now - began < 3)
        state.landed = 2 + (clock.now - began >= 8)
        return find(session)

    monkeypatch.setattr(state, "find_lanes", attended)

    assert not written(lanes).failed
    assert not lanes.are_attended()  # of the two others nobody has heard


def test_a_lane_that_was_left_is_not_attended(
    lanes: RemoteLanes, state: State, transport: Transport, clock: Clock
) -> None:
    transport.answer, state.left = 3, 1
    for _ in range(10):
        assert not lanes.are_attended()
        clock.now += 1

    state.left = 0
    clock.now += 10
    assert lanes.are_attended()


def test_a_look_that_the_target_refuses_fails_the_round(
    lanes: RemoteLanes, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = OperationFailure("not authorized", 13)
    monkeypatch.setattr(state, "find_lanes", MagicMock(side_effect=refused))

    assert written(lanes).failed == [refused]


def part(number: int) -> Part:
    return Part(
        Batch((MappedTransaction(f"0-1-{number}", AFTER, 0.0),)),
        LanePart((Span("0-1-", number, number),), number, AFTER),
    )
