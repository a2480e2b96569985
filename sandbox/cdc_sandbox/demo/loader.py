"""Loads tweets and their authors into the source, in batches, as often as one likes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from cdc_sandbox.demo.connections import Connection, Cursor
from cdc_sandbox.demo.dataset import MalformedDataset, SourceDocument
from cdc_sandbox.demo.rows import TweetRow, UserRow, tweet_row, user_row
from cdc_sandbox.demo.schema import SCHEMA


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many rows were loaded; a user counts once however many tweets name it."""

    users: int
    tweets: int


def load(
    connection: Connection, documents: Iterable[SourceDocument], *, batch_rows: int = 500
) -> Loaded:
    """Insert or overwrite the rows of the documents, one transaction a batch."""
    users: set[int] = set()
    tweets: set[int] = set()
    for batch in _batches(documents, batch_rows):
        pairs = [_rows(document) for document in batch]
        authors = {user.id: user for user, _ in pairs}
        _write(connection, authors.values(), [tweet for _, tweet in pairs])
        users.update(authors)
        tweets.update(tweet.id for _, tweet in pairs)
    return Loaded(len(users), len(tweets))


def upsert_users(cursor: Cursor, rows: Iterable[UserRow]) -> None:
    """Insert users, or overwrite those that are there."""
    cursor.executemany(_upsert("users", UserRow._fields), list(rows))


def upsert_tweets(cursor: Cursor, rows: Iterable[TweetRow]) -> None:
    """Insert tweets, or overwrite those that are there."""
    cursor.executemany(_upsert("tweets", TweetRow._fields), list(rows))


def _batches(
    documents: Iterable[SourceDocument], batch_rows: int
) -> Iterator[list[SourceDocument]]:
    iterator = iter(documents)
    while batch := list(islice(iterator, batch_rows)):
        yield batch


def _rows(document: SourceDocument) -> tuple[UserRow, TweetRow]:
    try:
        return user_row(document.content), tweet_row(document.content)
    except ValueError as error:
        raise MalformedDataset(f"{document.where}: {error}") from error


def _write(connection: Connection, users: Iterable[UserRow], tweets: Iterable[TweetRow]) -> None:
    cursor = connection.cursor()
    try:
        upsert_users(cursor, users)
        upsert_tweets(cursor, tweets)
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _upsert(table: str, columns: tuple[str, ...]) -> str:
    names = ", ".join(columns)
    values = ", ".join(["%s"] * len(columns))
    # VALUES() and not a row alias: MariaDB has only the former.
    updates = ", ".join(f"{name} = VALUES({name})" for name in columns if name != "id")
    return (
        f"INSERT INTO {SCHEMA}.{table} ({names}) VALUES ({values}) "
        f"ON DUPLICATE KEY UPDATE {updates}"
    )
