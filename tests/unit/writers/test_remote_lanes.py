"""What is told of lanes that nobody attends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unittest.mock import MagicMock

import pytest
from bson import ObjectId
from structlog.testing import capture_logs

from cdc.errors import CdcError, PublishRefused
from cdc.writers import remote_lanes
from cdc.writers.lane_documents import Lane
from cdc.writers.namespaces import Namespaces
from cdc.writers.remote_lanes import RemoteLanes
from cdc.writers.sync_timestamps import SyncTimestamps


class State:
    """The lanes' documents: the first has an applier."""

    def __init__(self) -> None:
        self._lanes: list[ObjectId] = []

    def make_lanes(self, lanes: Sequence[Lane], _: object) -> None:
        self._lanes = [each.id for each in lanes]

    def find_lanes(self) -> dict[ObjectId, dict[str, Any]]:
        first, *others = self._lanes
        return {
            first: {"sessions": [b"an applier's"]},
            **{each: {"sessions": []} for each in others},
        }


class Transport:
    def __init__(self) -> None:
        self.sent: list[int] = []
        self.lost: CdcError | None = None

    def is_ready(self) -> bool:
        return True

    def send(self, partition: int, _lane: str, _number: int, _data: bytes) -> None:
        self.sent.append(partition)

    def error(self) -> CdcError | None:
        lost, self.lost = self.lost, None
        return lost

    def close(self) -> None:
        pass


class Clock:
    now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(remote_lanes, "time", clock)
    return clock


@pytest.fixture
def transport() -> Transport:
    return Transport()


@pytest.fixture
def lanes(clock: Clock, transport: Transport) -> RemoteLanes:
    state: Any = State()
    namespaces = Namespaces("docs", "states", "shop", frozenset())
    made = RemoteLanes(state, namespaces, SyncTimestamps({}), transport, user=lambda: "", count=3)
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
