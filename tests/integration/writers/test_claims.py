"""Two streams that claim one collection at the same moment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo import MongoClient

from cdc.errors import Claimed, LeaseHeld
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.claim import claiming, inherited
from cdc.model.id_space import IdSpace, told
from cdc.writers.claims import Claims
from cdc.writers.writer import MongoWriter
from tests.integration.writers.support.writers import START, writer_of

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ALL: IdSpace = {}


def claim(stream: str, *collections: str) -> Batch:
    writes = tuple(claiming(stream, dict.fromkeys(collections, ALL), [], NOW))
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
        START, [], writes=claiming("one", {"d.b": ALL}, [], NOW)
    )
    other = writer_of(client, database, state_database, "other")

    with pytest.raises(Claimed):
        other.create(START, [], writes=claiming("other", {"d.a": ALL, "d.b": ALL}, [], NOW))

    assert other.read_state() is None
    assert owners(Claims(client, state_database=state_database)) == {"d.b": "one"}


def test_without_transactions_a_stream_that_dies_before_it_claims_knows_what_was_left(
    client: MongoClient[dict[str, Any]], database: str, state_database: str
) -> None:
    writer_of(client, database, state_database, "one").create(
        START, [], writes=claiming("one", {"d.a": ALL}, [], NOW)
    )
    other = writer_of(client, database, state_database, "other", transactional=False)

    with pytest.raises(Claimed):
        other.create(START, [], left=["app.t a"], writes=claiming("other", {"d.a": ALL}, [], NOW))

    state = other.read_state()
    assert state is not None
    assert state["left"] == ["app.t a"]


def test_a_release_waits_for_no_live_daemon_and_fences_one_that_was_frozen(
    client: MongoClient[dict[str, Any]], database: str, state_database: str
) -> None:
    frozen = writer_of(client, database, state_database, "one")
    frozen.create(START, [], writes=claiming("one", {"d.b": ALL}, [], NOW))
    frozen.take_over()
    claims = Claims(client, state_database=state_database)

    assert claims.concerning("other", ["d.b"])[0].bars("other", ALL)
    client[state_database]["streams"].update_one(
        {"_id": "one"}, {"$set": {"owner.instance": "another", "owner.boot": "another"}}
    )
    with pytest.raises(LeaseHeld):
        claims.release("d.b")
    client[state_database]["streams"].update_one({"_id": "one"}, {"$set": {"lease_until": None}})
    epoch = (frozen.read_state() or {})["epoch"]
    assert claims.release("d.b") == "one"

    assert (frozen.read_state() or {})["epoch"] > epoch
    assert [*inherited(claims.all(), "other", {})] == ["d.b"]
    assert [*inherited(claims.all(), "one", {})] == []


EU: IdSpace = {"stream": "eu"}
US: IdSpace = {"stream": "us"}


def claimed(claims: Claims, stream: str, ids: IdSpace) -> Batch:
    """A batch that claims ids of `d.a`, by what is known of it now."""
    known = claims.concerning(stream, ["d.a"])
    writes = tuple(claiming(stream, {"d.a": ids}, known, NOW))
    return Batch((MappedTransaction("", START, None, writes=writes),))


def held(claims: Claims) -> set[tuple[str | None, str | None, str]]:
    return {(each.stream, each.former, told(each.ids)) for each in claims.all()}


@pytest.fixture
def claims(client: MongoClient[dict[str, Any]], state_database: str) -> Claims:
    return Claims(client, state_database=state_database)


@pytest.fixture
def writers(
    client: MongoClient[dict[str, Any]], database: str, state_database: str
) -> dict[str, MongoWriter]:
    found = {
        name: writer_of(client, database, state_database, name) for name in ("eu", "us", "asia")
    }
    for each in found.values():
        each.create(START, [])
        each.take_over()
    return found


def test_of_two_streams_that_share_at_the_same_moment_one_looks_again(
    claims: Claims, writers: dict[str, MongoWriter]
) -> None:
    writers["asia"].apply(claimed(claims, "asia", {"stream": "asia"}))
    one, other = claimed(claims, "eu", EU), claimed(claims, "us", US)

    writers["eu"].apply(one)
    with pytest.raises(Claimed):
        writers["us"].apply(other)
    writers["us"].apply(claimed(claims, "us", US))

    assert {stream for stream, _, _ in held(claims)} == {"asia", "eu", "us"}


@pytest.mark.parametrize("ids", [ALL, EU], ids=["whole", "share"])
def test_of_two_streams_that_claim_a_new_collection_at_the_same_moment_one_looks_again(
    claims: Claims, writers: dict[str, MongoWriter], ids: IdSpace
) -> None:
    one, other = claimed(claims, "eu", ids), claimed(claims, "us", US)

    writers["eu"].apply(one)
    with pytest.raises(Claimed):
        writers["us"].apply(other)

    [found] = claims.all()
    assert (found.stream, found.ids) == ("eu", ids)


def test_an_older_version_takes_a_share_for_anothers_claim(
    client: MongoClient[dict[str, Any]],
    state_database: str,
    claims: Claims,
    writers: dict[str, MongoWriter],
) -> None:
    writers["eu"].apply(claimed(claims, "eu", EU))
    documents = client[state_database]["claims"]

    for stream in ("eu", "us"):
        assert not documents.count_documents({"_id": "d.a", "stream": {"$in": [None, stream]}})


def test_a_share_that_is_given_up_is_remembered_for_who_comes_under_its_ids(
    claims: Claims, writers: dict[str, MongoWriter]
) -> None:
    for name, ids in (("eu", EU), ("us", US)):
        writers[name].apply(claimed(claims, name, ids))
    nothing = tuple(claiming("eu", {}, claims.concerning("eu", []), NOW))
    writers["eu"].apply(Batch((MappedTransaction("", START, None, writes=nothing),)))

    assert held(claims) == {(None, "eu", 'stream: "eu"'), ("us", None, 'stream: "us"')}
    assert not [*inherited(claims.all(), "asia", {"d.a": {"stream": "asia"}})]
    assert [*inherited(claims.all(), "asia", {"d.a": EU})] == ["d.a"]
    assert [*inherited(claims.all(), "asia", {"d.a": {"region": "asia"}})] == ["d.a"]
    assert not [*inherited(claims.all(), "eu", {"d.a": EU})]

    writers["asia"].apply(claimed(claims, "asia", EU))
    assert held(claims) == {("asia", None, 'stream: "eu"'), ("us", None, 'stream: "us"')}


def test_a_claim_becomes_a_share_and_whole_again(
    claims: Claims, writers: dict[str, MongoWriter]
) -> None:
    eu = writers["eu"]
    eu.apply(claimed(claims, "eu", ALL))
    assert claimed(claims, "eu", ALL).transactions[0].writes == ()

    eu.apply(claimed(claims, "eu", EU))
    assert held(claims) == {("eu", None, 'stream: "eu"'), (None, "eu", "")}
    assert [*inherited(claims.all(), "us", {"d.a": US})] == ["d.a"]

    eu.apply(claimed(claims, "eu", ALL))
    assert held(claims) == {("eu", None, "")}
