"""Two streams that claim one collection at the same moment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo import MongoClient

from cdc.errors import Claimed, LeaseHeld
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.claim import claiming, inherited
from cdc.writers.claims import Claims
from tests.integration.writers.support.writers import START, writer_of

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def claim(stream: str, *collections: str) -> Batch:
    writes = tuple(claiming(stream, collections, [], NOW))
    return Batch((MappedTransaction("", START, None, writes=writes),))


def owners(claims: Claims) -> dict[str, str | None]:
    return {each.collection: each.stream for each in claims.all()}


def test_the_slower_of_two_gets_none_of_the_claims_that_it_asked_for(
    client: MongoClient[dict[str, Any]], database: str, state_database: str
) -> None:
    one = writer_of(client, database, state_database, "one")
    other = writer_of(client, database, state_database, "other")
    for each in (one, other):
        each.create(START, [])
        each.take_over()

    one.apply(claim("one", "d.b"))
    with pytest.raises(Claimed):
        other.apply(claim("other", "d.a", "d.b", "d.c"))

    claims = Claims(client, state_database=state_database)
    assert owners(claims) == {"d.b": "one"}
    other.apply(claim("other", "d.a"))
    assert owners(claims) == {"d.a": "other", "d.b": "one"}


def test_a_stream_that_cannot_claim_does_not_begin(
    client: MongoClient[dict[str, Any]], database: str, state_database: str
) -> None:
    writer_of(client, database, state_database, "one").create(
        START, [], writes=claiming("one", ["d.b"], [], NOW)
    )
    other = writer_of(client, database, state_database, "other")

    with pytest.raises(Claimed):
        other.create(START, [], writes=claiming("other", ["d.a", "d.b"], [], NOW))

    assert other.read_state() is None
    assert owners(Claims(client, state_database=state_database)) == {"d.b": "one"}


def test_without_transactions_a_stream_that_dies_before_it_claims_knows_what_was_left(
    client: MongoClient[dict[str, Any]], database: str, state_database: str
) -> None:
    writer_of(client, database, state_database, "one").create(
        START, [], writes=claiming("one", ["d.a"], [], NOW)
    )
    other = writer_of(client, database, state_database, "other", transactional=False)

    with pytest.raises(Claimed):
        other.create(START, [], left=["app.t a"], writes=claiming("other", ["d.a"], [], NOW))

    state = other.read_state()
    assert state is not None
    assert state["left"] == ["app.t a"]


def test_a_release_waits_for_no_live_daemon_and_fences_one_that_was_frozen(
    client: MongoClient[dict[str, Any]], database: str, state_database: str
) -> None:
    frozen = writer_of(client, database, state_database, "one")
    frozen.create(START, [], writes=claiming("one", ["d.b"], [], NOW))
    frozen.take_over()
    claims = Claims(client, state_database=state_database)

    assert claims.concerning("other", ["d.b"])[0].is_anothers("other")
    client[state_database]["streams"].update_one(
        {"_id": "one"}, {"$set": {"owner.instance": "another", "owner.boot": "another"}}
    )
    with pytest.raises(LeaseHeld):
        claims.release("d.b")
    client[state_database]["streams"].update_one({"_id": "one"}, {"$set": {"lease_until": None}})
    epoch = (frozen.read_state() or {})["epoch"]
    assert claims.release("d.b") == "one"

    assert (frozen.read_state() or {})["epoch"] > epoch
    assert inherited(claims.all(), "other") == {"d.b"}
    assert inherited(claims.all(), "one") == frozenset()
