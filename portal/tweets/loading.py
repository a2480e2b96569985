"""Writes the documents of the dataset as rows, in batches; may be repeated."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC
from itertools import islice
from typing import Any

from django.db import transaction

from cdc_sandbox.demo.dataset import SourceDocument
from cdc_sandbox.demo.rows import TweetRow, UserRow, tweet_row, user_row
from portal.tweets.models import Author, Loading, Tweet

BATCH_DOCUMENTS = 500
_FIELDS = {"user_id": "author_id"}  # column and Django's name for it
_JSON = ("entities", "place")
_DATES = ("created_at", "updated_at")
_NAME_TAKEN = "user.screen_name is another author's"


@dataclass(slots=True)
class Tally:
    """The counts of documents so far."""

    loaded: int = 0
    passed_over: int = 0  # an earlier run has loaded them
    skipped: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Target:
    """The rows to write, and how."""

    batch: int = BATCH_DOCUMENTS
    fingerprint: str | None = None  # under which progress is kept


def batch_size(word: str) -> int:
    """Parse an option: the number of documents in a batch, at least one."""
    if not word.isdecimal() or int(word) < 1:
        raise ArgumentTypeError(f"{word} is no number of documents: say 1 or more")
    return int(word)


def load(documents: Iterable[SourceDocument], target: Target, tally: Tally) -> Iterator[None]:
    """Load batch by batch, each in a transaction with its progress; the tally grows with each.

    A document that makes no row is counted by its reason. Loading the same again changes nothing.
    """
    tally.passed_over = _done(target.fingerprint)
    rest = islice(documents, tally.passed_over, None)
    while batch := list(islice(rest, target.batch)):
        _load_batch(batch, target, tally)
        yield
    if target.fingerprint:
        Loading.objects.filter(pk=target.fingerprint).delete()


def _done(fingerprint: str | None) -> int:
    known = Loading.objects.filter(pk=fingerprint).first() if fingerprint else None
    return known.documents if known else 0


def _load_batch(batch: list[SourceDocument], target: Target, tally: Tally) -> None:
    pairs = list(_rows(batch, tally))
    with transaction.atomic():
        known = _write_authors({user.id: user for user, _ in pairs})
        tweets = {tweet.id: tweet for _, tweet in pairs if tweet.user_id in known}
        _write_tweets(tweets)
        if target.fingerprint:
            Loading.objects.update_or_create(
                pk=target.fingerprint, defaults={"documents": batch[-1].number}
            )
    refused = sum(tweet.user_id not in known for _, tweet in pairs)
    tally.loaded += len(pairs) - refused
    if refused:
        tally.skipped[_NAME_TAKEN] += refused


def _rows(batch: list[SourceDocument], tally: Tally) -> Iterator[tuple[UserRow, TweetRow]]:
    for document in batch:
        try:
            yield user_row(document.content), tweet_row(document.content)
        except ValueError as error:
            # "created_at is no date of Twitter's: 'soon'": what follows the colon differs.
            tally.skipped[str(error).split(":")[0]] += 1


def _write_authors(users: dict[int, UserRow]) -> set[int]:
    """Insert or update authors; return the ids that exist afterwards.

    An author is missing if the screen name belongs to another: it was given up, and taken again.
    """
    Author.objects.bulk_create(
        [Author(**_dated(user)) for user in users.values()], ignore_conflicts=True
    )
    known = set(Author.objects.filter(pk__in=users).values_list("pk", flat=True))
    kept = {"id", "screen_name", "password", "role"}
    Author.objects.bulk_create(
        [Author(**_dated(user)) for user in users.values() if user.id in known],
        update_conflicts=True,
        update_fields=[name for name in UserRow._fields if name not in kept],
    )
    return known


def _write_tweets(tweets: dict[int, TweetRow]) -> None:
    Tweet.objects.bulk_create(
        [_tweet(tweet) for tweet in tweets.values()],
        update_conflicts=True,
        update_fields=[_FIELDS.get(name, name) for name in TweetRow._fields if name != "id"],
    )


def _dated(row: UserRow | TweetRow) -> dict[str, Any]:
    """Return the row's fields, its dates as Django has them."""
    fields = row._asdict()
    return fields | {name: fields[name].replace(tzinfo=UTC) for name in _DATES}


def _tweet(row: TweetRow) -> Tweet:
    fields = {_FIELDS.get(name, name): value for name, value in _dated(row).items()}
    for name in _JSON:
        fields[name] = None if fields[name] is None else json.loads(fields[name])
    return Tweet(**fields)
