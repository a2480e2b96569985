"""A writer that records its commits, and a watcher that records what it saw, with times.

Both run in processes of their own and read the machine's monotonic clock, which they share.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import pymysql
from pymongo import MongoClient
from pymongo.read_concern import ReadConcern

from bench.loading import insertion
from bench.stage import Login
from bench.tweets import tweets
from cdc_sandbox.demo.rows import TweetRow

if TYPE_CHECKING:
    from pymysql.cursors import Cursor

POLL_SECONDS = 0.002
GIVEN_UP_AFTER_SECONDS = 120
PREPARED_ROWS = 2_000
"""The number of different tweets that are prepared; afterwards only their ids are new."""


@dataclass(frozen=True, slots=True)
class Order:
    """A writer's order: transactions of tweets whose ids count up from `first_id`."""

    first_id: int
    transaction_rows: int
    transactions: int
    transactions_per_second: float

    @property
    def last_id(self) -> int:
        """The id of the last row."""
        return self.first_id + self.transaction_rows * self.transactions - 1


@dataclass(frozen=True, slots=True)
class Committed:
    """The last id of a transaction, and when its commit returned."""

    last_id: int
    at: float


@dataclass(frozen=True, slots=True)
class Seen:
    """The highest id in the target, and when the answer was there."""

    newest_id: int
    at: float


def write(login: Login, order: Order) -> list[Committed]:
    """Commit transactions at an even pace, or as fast as one connection can."""
    committed = []
    with closing(_connect(login)) as connection, connection.cursor() as cursor:
        cursor.execute("SET foreign_key_checks = 0")
        prepared = _prepared(cursor)
        insert = insertion("tweets", TweetRow._fields).partition("VALUES")[0] + "VALUES "
        began = time.monotonic()
        for number in range(order.transactions):
            first = order.first_id + number * order.transaction_rows
            statement = insert + ", ".join(
                f"({at}, {prepared[at % PREPARED_ROWS]}"
                for at in range(first, first + order.transaction_rows)
            )
            due = began + number / order.transactions_per_second
            time.sleep(max(0.0, due - time.monotonic()))
            cursor.execute(statement)
            committed.append(Committed(first + order.transaction_rows - 1, time.monotonic()))
    return committed


def _connect(login: Login) -> pymysql.connections.Connection[Cursor]:
    return pymysql.connect(
        host=login.host,
        port=login.port,
        user=login.user,
        password=login.password,
        charset="utf8mb4",
        autocommit=True,
    )


def _prepared(cursor: Cursor) -> list[str]:
    """Return rows as SQL, without their ids and the opening bracket."""
    places = ", ".join(["%s"] * (len(TweetRow._fields) - 1))
    rows = islice(tweets(first_id=1), PREPARED_ROWS)
    return [cursor.mogrify(f"{places})", row[1:]) for row in rows]


def watch(uri: str, database: str, *, until: int) -> list[Seen]:
    """Poll for the newest document, as a majority has it, until its id is `until`."""
    seen: list[Seen] = []
    with MongoClient[dict[str, Any]](uri) as client:
        tweets = client[database].get_collection("tweets", read_concern=ReadConcern("majority"))
        deadline = time.monotonic() + GIVEN_UP_AFTER_SECONDS
        while not seen or seen[-1].newest_id < until:
            newest = tweets.find_one({}, {"_id": True}, sort=[("_id", -1)])
            at = time.monotonic()
            if newest is not None:
                seen.append(Seen(int(newest["_id"]), at))
            if at > deadline:
                raise TimeoutError(f"document {until} did not become visible")
            time.sleep(POLL_SECONDS)
    return seen
