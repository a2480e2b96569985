"""A lease whose owner is dead ends within its own length, wherever the target's clock went.

That clock is set back by an hour as far as a lease can tell: it is moved by an hour ahead.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pymongo import MongoClient

from cdc.errors import Fenced, LeaseHeld
from cdc.model.lease import LeaseWatch, Owner
from cdc.writers.concerns import MAJORITY
from cdc.writers.stream_state import StreamState
from tests.integration.writers.support.writers import AFTER, START, writer_of
from tests.support.moved_clock import MovedClock

Client = MongoClient[dict[str, Any]]
LASTS = 10
HOUR = timedelta(hours=1)


def process(name: str) -> Owner:
    """A process on a machine of its own, of which nobody here knows whether it has ended."""
    return Owner(f"{name}.example", 7, name, f"boot of {name}", "1")


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def active(client: Client, database: str, state_database: str) -> StreamState:
    """The state of a new stream, which this daemon holds."""
    writer = writer_of(client, database, state_database)
    writer.create(START, [])
    writer.close()
    state = state_of(client, state_database, "active", LeaseWatch())
    with client.start_session() as session:
        state.take_over(session)
    return state


@pytest.fixture
def standby(
    client: Client, state_database: str, active: StreamState, clock: MovedClock
) -> StreamState:
    return state_of(client, state_database, "standby", LeaseWatch(clock))


def state_of(client: Client, state_database: str, name: str, watch: LeaseWatch) -> StreamState:
    states = client.get_database(state_database, write_concern=MAJORITY)
    return StreamState(states, "test", ttl_seconds=LASTS, owner=process(name), watch=watch)


def set_back(client: Client, state_database: str) -> None:
    streams = client[state_database]["streams"]
    [found] = streams.find({"_id": "test"})
    streams.update_one({"_id": "test"}, {"$set": {"lease_until": found["lease_until"] + HOUR}})


def end_lease(client: Client, state_database: str, *, ago: timedelta) -> None:
    until = {"$subtract": ["$$NOW", int(ago.total_seconds() * 1000)]}
    streams = client.get_database(state_database, write_concern=MAJORITY)["streams"]
    streams.update_one({"_id": "test"}, [{"$set": {"lease_until": until}}])


def is_held(client: Client, state: StreamState) -> bool:
    """Try to take over, and return whether another process has the lease."""
    try:
        with client.start_session() as session:
            state.take_over(session)
    except LeaseHeld:
        return True
    return False


def test_a_standby_takes_over_from_a_dead_daemon_though_the_clock_was_set_back(
    client: Client,
    state_database: str,
    active: StreamState,
    standby: StreamState,
    clock: MovedClock,
) -> None:
    set_back(client, state_database)

    assert is_held(client, standby)
    clock.now += LASTS
    assert is_held(client, standby)
    clock.now += 1
    assert not is_held(client, standby)

    with pytest.raises(Fenced):
        active.renew()
    with pytest.raises(Fenced):
        active.save_checkpoint(AFTER, None, None)
    state = standby.confirm()
    assert (state["epoch"], state["owner"]["host"]) == (2, "standby.example")


def test_a_daemon_that_renews_stays_the_owner_though_the_clock_was_set_back(
    client: Client,
    state_database: str,
    active: StreamState,
    standby: StreamState,
    clock: MovedClock,
) -> None:
    set_back(client, state_database)
    assert is_held(client, standby)

    for _ in range(3):
        clock.now += LASTS - 1
        active.renew()
        assert is_held(client, standby)

    active.save_checkpoint(AFTER, None, None)
    assert active.confirm()["epoch"] == 1


def test_a_daemon_that_renews_between_the_look_and_the_takeover_stays_the_owner(
    client: Client,
    state_database: str,
    active: StreamState,
    standby: StreamState,
    clock: MovedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a majority shows may be late: the write holds on the primary, or not at all."""
    set_back(client, state_database)
    assert is_held(client, standby)
    late = standby.read_with_clock()
    clock.now += LASTS + 1
    active.renew()
    monkeypatch.setattr(standby, "read_with_clock", lambda: late)

    assert is_held(client, standby)

    active.renew()


@pytest.mark.parametrize("lives", [True, False], ids=["lives", "dies"])
def test_a_daemon_whose_batch_outlasted_the_lease_has_one_more_look_to_renew_it(
    client: Client,
    state_database: str,
    active: StreamState,
    standby: StreamState,
    monkeypatch: pytest.MonkeyPatch,
    lives: bool,
) -> None:
    """The standby's takeover has waited behind the batch, and finds a lease that has ended."""
    end_lease(client, state_database, ago=timedelta(seconds=20))
    looked = standby.read_with_clock()
    monkeypatch.setattr(standby, "read_with_clock", lambda: looked)
    end_lease(client, state_database, ago=timedelta(seconds=10))  # the batch lands
    assert is_held(client, standby)
    monkeypatch.undo()

    if lives:
        active.renew()
    assert is_held(client, standby) == lives
    assert (active.read() or {})["epoch"] == (1 if lives else 2)


def test_of_two_standbys_one_takes_over(
    client: Client,
    state_database: str,
    active: StreamState,
    standby: StreamState,
    clock: MovedClock,
) -> None:
    other = state_of(client, state_database, "other", LeaseWatch(clock))
    set_back(client, state_database)
    assert is_held(client, standby)
    assert is_held(client, other)
    clock.now += LASTS + 1

    assert [is_held(client, each) for each in (standby, other)] == [False, True]

    with pytest.raises(Fenced):
        active.renew()
    standby.renew()
