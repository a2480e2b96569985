"""Whatever somebody writes into MongoDB, every page answers, and shows what else there is."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Binary, Code, DatetimeMS, Decimal128, Int64, MaxKey, ObjectId, Regex, Timestamp
from django.conf import settings as portal_settings
from django.core.cache import cache
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo.errors import WriteError

from cdc.model.job import Job, JobKind, JobState, Progress
from cdc_sandbox.servers import Flavour
from portal import mongodb
from portal.accounts.roles import Role
from tests.portal.support.people import person
from tests.support.examples import examples

LONG_AGO = datetime(2010, 9, 2, 18, 11, 23, tzinfo=UTC)
JOINED = datetime(2020, 5, 6, tzinfo=UTC)

SCALARS = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        5,
        Int64(2**63 - 1),
        Int64(-(2**63)),
        0.5,
        float("nan"),
        float("inf"),
        Decimal128("NaN"),
        Decimal128("Infinity"),
        Decimal128("1.5"),
        Decimal128("1E+6000"),
        Decimal128("-0"),
        "",
        "a text",
        "\0",
        "done",
        datetime(2020, 1, 1, tzinfo=UTC),
        DatetimeMS(-(2**62)),
        DatetimeMS(2**62),
        Binary(b"\xff", 4),
        Binary(b"x" * 16, 3),
        ObjectId(),
        Regex("a(", "i"),
        Code("f()"),
        Timestamp(1, 1),
        MaxKey(),
    ]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["id", "a", "_id", "text", "fields"]), inner, max_size=3)
    ),
    max_leaves=4,
)


def tweet(id_: Any, author: int) -> dict[str, Any]:
    return {
        "_id": id_,
        "user_id": author,
        "author": {"screen_name": "zoe", "name": "Zoe"},
        "text": "of the dataset",
        "created_at": LONG_AGO,
        "updated_at": LONG_AGO,
        "replicated_at": LONG_AGO,
        "entities": {"hashtags": [{"text": "tag"}]},
    }


def job(stream: str) -> dict[str, Any]:
    made = Job.request(stream, JobKind.VERIFY, "a.b", by="somebody").to_document()
    progress = Progress(
        rows=1, total=2, findings=({"_id": 1, "collection": "b", "kind": "extra", "fields": []},)
    )
    return {**made, "state": JobState.RUNNING.value, "progress": progress.to_document()}


def stream_document(stream: str) -> dict[str, Any]:
    return {
        "_id": stream,
        "epoch": 1,
        "sequence": 1,
        "position": {"gtid": "6d1a1c6a-0000-11ee-8000-000000000000:1-5"},
        "inflight": None,
        "server": "s",
        "owner": {"host": "h", "pid": 1, "instance": "i", "place": "p", "started": "1"},
        "lease_until": LONG_AGO,
        "committed_at": LONG_AGO,
        "updated_at": LONG_AGO,
        "mappings": [{"source": "a.b", "target": "b"}],
        "covered": ["a.b b"],
    }


def letter(stream: str) -> dict[str, Any]:
    return {
        "_id": "l",
        "stream": stream,
        "state": "open",
        "table": "a.b",
        "collection": "b",
        "action": "insert",
        "reason": "r",
        "column": "c",
        "last_at": LONG_AGO,
        "count": 1,
    }


def paths(document: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in document.items():
        yield (*above, name)
        if isinstance(value, dict):
            yield from paths(value, (*above, name))


def edited(document: dict[str, Any], path: tuple[str, ...], value: Any, *, gone: bool) -> Any:
    found = copy.deepcopy(document)
    inner = found
    for name in path[:-1]:
        inner = inner[name]
    if gone:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return found


@pytest.fixture(scope="session")
def flavour() -> Flavour:
    return "mysql"


@pytest.fixture
def pages(target: None, rows: object, client: Client) -> dict[str, Client]:
    """A visitor of each role, by the page that is the role's."""
    roles = {
        "/timeline/": Role.CUSTOMER,
        "/figures/?period=all": Role.SENIOR_MANAGEMENT,
        "/replication/": Role.TECHNICAL_WORKER,
        "/replication/state/": Role.TECHNICAL_WORKER,
    }
    found = {}
    for number, (page, role) in enumerate(roles.items()):
        found[page] = Client()
        found[page].force_login(person(f"visitor{number}", role))
    return found


def collections(stream: str, author: int) -> dict[str, tuple[Any, dict[str, Any]]]:
    documents, state = mongodb.documents(), mongodb.state()
    return {
        "tweets": (documents["tweets"], tweet(7, author)),
        "users": (documents["users"], {"_id": author, "name": "Zoe", "screen_name": "zoe"}),
        "accounts": (
            documents["accounts"],
            {"_id": 1, "role": "customer", "date_joined": LONG_AGO},
        ),
        "streams": (state["streams"], stream_document(stream)),
        "jobs": (state["jobs"], job(stream)),
        "dead_letters": (state["dead_letters"], letter(stream)),
    }


@pytest.mark.parametrize(
    "which", ["tweets", "users", "accounts", "streams", "jobs", "dead_letters"]
)
def test_no_edited_document_takes_a_page_away(pages: dict[str, Client], which: str) -> None:
    collection, document = collections(portal_settings.CDC_NAME, 12)[which]
    kept = tweet(8, 12) if which == "tweets" else None

    @settings(examples(12), suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(list(paths(document))), VALUES, st.booleans())
    def check(path: tuple[str, ...], value: Any, gone: bool) -> None:
        collection.delete_many({})
        cache.clear()
        try:
            collection.insert_one(edited(document, path, value, gone=gone))
        except WriteError:  # an array as _id, for one
            return
        if kept:
            collection.insert_one(kept)

        answers = {page: visitor.get(page) for page, visitor in pages.items()}

        assert {page: answer.status_code for page, answer in answers.items()} == dict.fromkeys(
            pages, 200
        )
        if kept:
            assert 'id="tweet-8"' in answers["/timeline/"].content.decode()

    check()
    collection.delete_many({})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("replicated_at",), "a text"),
        (("user_id",), Decimal128("NaN")),
        (("user_id",), [12]),
        (("author",), [{"name": "Zoe"}]),
        (("author", "name"), 5),
        (("created_at",), [LONG_AGO]),
        (("text",), ["a"]),
        (("_id",), Decimal128("Infinity")),
        (("_id",), Decimal128("NaN")),
        (("_id",), Int64(-5)),
    ],
)
def test_one_edited_tweet_leaves_the_timeline_to_the_others(
    pages: dict[str, Client], path: tuple[str, ...], value: Any
) -> None:
    tweets = mongodb.documents()["tweets"]
    tweets.delete_many({})
    tweets.insert_many([edited(tweet(7, 12), path, value, gone=False), tweet(8, 12)])

    answer = pages["/timeline/"].get("/timeline/")

    tweets.delete_many({})
    assert answer.status_code == 200
    assert 'id="tweet-8"' in answer.content.decode()
