from __future__ import annotations

import json
from datetime import datetime
from itertools import islice
from typing import Any

import pytest

from cdc_sandbox.demo.generate import Document, invented_tweets
from cdc_sandbox.demo.rows import tweet_row, user_row


def a_tweet(**changes: Any) -> Document:
    tweet = next(invented_tweets(1))
    user = {key[5:]: value for key, value in changes.items() if key.startswith("user_")}
    fields = {key: value for key, value in changes.items() if not key.startswith("user_")}
    return tweet | fields | {"user": tweet["user"] | user}


def test_a_tweet_becomes_a_row_of_each_table() -> None:
    tweet = a_tweet(created_at="Thu Sep 02 18:11:23 +0000 2010", lang=None)

    row, author = tweet_row(tweet), user_row(tweet)

    assert (row.id, row.user_id, row.text) == (tweet["id"], author.id, tweet["text"])
    assert row.created_at == row.updated_at == datetime(2010, 9, 2, 18, 11, 23)
    assert row.entities is not None
    assert json.loads(row.entities) == tweet["entities"]
    assert author.screen_name == tweet["user"]["screen_name"]


def test_the_password_is_nobodys_hash_and_each_users_own() -> None:
    rows = {user_row(tweet) for tweet in islice(invented_tweets(1), 50)}

    passwords = {row.id: row.password for row in rows}

    assert all(password.startswith("!") for password in passwords.values())
    assert len(set(passwords.values())) == len(passwords)


def test_the_datasets_capped_count_is_read_as_its_number() -> None:
    assert tweet_row(a_tweet(retweet_count="100+")).retweet_count == 100


def test_what_may_be_absent_is_null() -> None:
    tweet = a_tweet(source=None, entities=None, place=None, retweet_count=None)

    row = tweet_row(tweet)

    assert (row.source, row.entities, row.place, row.retweet_count) == (None, None, None, None)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"id": None}, "id is missing"),
        ({"id": "12"}, "id is not a whole number"),
        ({"id": True}, "id is not a whole number"),
        ({"id": 2**64}, "id is not a number of 64 bits"),
        ({"id": -1}, "id is not a number of 64 bits"),
        ({"text": 5}, "text is not a string"),
        ({"text": "x" * 70_000}, "text is too long"),
        ({"text": "\ud83d"}, "text holds half a surrogate pair"),
        ({"entities": {"a": "\ud83d"}}, "entities holds half a surrogate pair"),
        ({"entities": {"a": float("inf")}}, "Out of range float values"),
        ({"retweeted": "no"}, "retweeted is neither true nor false"),
        ({"created_at": "2010-09-02"}, "created_at is not a date of Twitter's"),
        ({"created_at": "Thu Sep 31 18:11:23 +0000 2010"}, "created_at is no date"),
    ],
)
def test_a_wrong_field_of_a_tweet_is_named(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        tweet_row(a_tweet(**changes))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"user_screen_name": None}, "user.screen_name is missing"),
        ({"user_name": "x" * 256}, "user.name is too long"),
        ({"user_followers_count": 2**32}, "user.followers_count is not a number of 32 bits"),
    ],
)
def test_a_wrong_field_of_an_author_is_named(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        user_row(a_tweet(**changes))


def test_a_tweet_without_an_author_is_refused() -> None:
    with pytest.raises(ValueError, match="user is not a document"):
        tweet_row({**a_tweet(), "user": None})
