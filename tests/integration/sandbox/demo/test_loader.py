from __future__ import annotations

import io
import json
from collections.abc import Iterable
from itertools import islice
from typing import Any

import pytest

from cdc_sandbox.demo import schema
from cdc_sandbox.demo.connections import Connection
from cdc_sandbox.demo.dataset import MalformedDataset, SourceDocument, read
from cdc_sandbox.demo.generate import Document, invented_tweets
from cdc_sandbox.demo.loader import Loaded, load
from cdc_sandbox.demo.rows import tweet_row, user_row
from tests.support.extended_json import extended


def documents(tweets: Iterable[Document]) -> list[SourceDocument]:
    return list(read(io.StringIO(json.dumps([extended(tweet) for tweet in tweets]))))


def rows(connection: Connection, statement: str) -> list[tuple[Any, ...]]:
    cursor = connection.cursor()
    cursor.execute(statement)
    found = list(cursor.fetchall())
    connection.commit()
    return found


def test_what_is_loaded_reads_back_as_it_was_given(connection: Connection) -> None:
    tweets = list(islice(invented_tweets(11), 120))

    loaded = load(connection, documents(tweets), batch_rows=50)

    found = rows(connection, "SELECT * FROM twitter.tweets ORDER BY id")
    wanted = sorted(tweet_row(tweet) for tweet in tweets)
    assert [_without_json(row) for row in found] == [_without_json(row) for row in wanted]
    assert [json.loads(row[12]) for row in found] == [json.loads(row[12] or "") for row in wanted]
    assert loaded == Loaded(users=len({tweet["user"]["id"] for tweet in tweets}), tweets=120)


def test_a_user_is_as_the_last_tweet_told_it(connection: Connection) -> None:
    tweets = list(islice(invented_tweets(12), 120))
    latest = {tweet["user"]["id"]: user_row(tweet) for tweet in tweets}

    load(connection, documents(tweets), batch_rows=7)

    found = rows(connection, "SELECT * FROM twitter.users ORDER BY id")
    assert found == [tuple(latest[key]) for key in sorted(latest)]


def test_loading_twice_changes_nothing(connection: Connection) -> None:
    tweets = documents(islice(invented_tweets(13), 60))
    everything = (
        "SELECT * FROM twitter.tweets t JOIN twitter.users u ON u.id = user_id ORDER BY t.id"
    )
    load(connection, tweets)
    before = rows(connection, everything)

    load(connection, tweets)

    assert rows(connection, everything) == before


def test_creating_the_tables_twice_keeps_their_rows(connection: Connection) -> None:
    load(connection, documents(islice(invented_tweets(14), 5)))

    schema.create(connection)

    assert rows(connection, "SELECT COUNT(*) FROM twitter.tweets") == [(5,)]


def test_a_document_that_is_no_tweet_is_named_and_its_batch_not_loaded(
    connection: Connection,
) -> None:
    tweets = list(islice(invented_tweets(15), 5))
    tweets[4]["user"]["screen_name"] = None

    with pytest.raises(
        MalformedDataset, match=r"document 5 \(line 1\): user.screen_name is missing"
    ):
        load(connection, documents(tweets), batch_rows=3)

    assert rows(connection, "SELECT COUNT(*) FROM twitter.tweets") == [(3,)]


def _without_json(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*row[:12], *row[14:])
