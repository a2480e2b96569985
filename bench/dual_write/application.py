"""An application that keeps tweets in MySQL, for the length of one life; each ends by SIGKILL.

Without replication it also does the second half: the same write once more, to MongoDB.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

import pymysql
from pymongo import MongoClient

from bench.loading import insertion
from bench.stage import Login
from cdc_sandbox.demo.expectation import bigint, date, expected_tweet
from cdc_sandbox.demo.generate import invented_tweets
from cdc_sandbox.demo.rows import TweetRow, tweet_row

if TYPE_CHECKING:
    from pymongo.collection import Collection
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

Document: TypeAlias = dict[str, Any]
Repeat: TypeAlias = "Callable[[Collection[Document]], object]"

AUTHOR_ID = 1
AUTHOR_NAMES = {"author_screen_name": "author", "author_name": "Author"}
IDS_APART = 1_000_000_000
"""Of two lives' first tweets, which are not so many."""
# MySQL puts the keys of JSON into an order of its own: that would be a difference, and no loss.
_WITHOUT_JSON: dict[str, Any] = {"entities": None, "place": None}
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["__main__", __name__])  # a life begins in milliseconds
_READY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Second:
    """The target of the second write of each pair."""

    uri: str
    database: str


@dataclass(frozen=True, slots=True)
class Life:
    """One process of the application, the `number`th.

    It kills itself behind the commit of its write `dies_after`, before anything that would follow;
    without that, somebody else does.
    """

    number: int
    seed: int
    login: Login
    second: Second | None
    dies_after: int | None


class Running:
    """A life in a process of its own."""

    def __init__(self, life: Life) -> None:
        """Begin it, and wait until it is about to write."""
        writing = _CONTEXT.Event()
        self._commits = _CONTEXT.RawValue(ctypes.c_int64, 0)
        self._process = _CONTEXT.Process(target=_live, args=(life, writing, self._commits))
        self._process.start()
        if not writing.wait(_READY_SECONDS):
            raise TimeoutError(f"the application wrote nothing within {_READY_SECONDS} s")

    def wait(self, seconds: float | None = None) -> None:
        """Wait for its death, or so long."""
        self._process.join(seconds)

    def kill(self) -> int:
        """Kill it, unless it is dead; return how many of its commits MySQL has confirmed."""
        self._process.kill()
        self._process.join()
        if self._process.exitcode != -signal.SIGKILL:
            raise RuntimeError(f"the application exited with {self._process.exitcode}")
        return int(self._commits.value)


def _live(life: Life, writing: Any, commits: Any) -> None:
    with ExitStack() as opened:
        connection = opened.enter_context(closing(_connect(life.login)))
        writes = _Writes(connection, life)
        tweets = None
        if life.second:
            client = opened.enter_context(MongoClient[Document](life.second.uri, w="majority"))
            tweets = client[life.second.database]["tweets"]
            tweets.find_one()  # connects: what a life begins with is over now
        writing.set()
        for repeat in writes:
            commits.value += 1
            if commits.value == life.dies_after:
                os.kill(os.getpid(), signal.SIGKILL)
            if tweets is not None:
                repeat(tweets)


def _connect(login: Login) -> Connection[Cursor]:
    return pymysql.connect(
        host=login.host,
        port=login.port,
        user=login.user,
        password=login.password,
        charset="utf8mb4",
        autocommit=True,
    )


class _Writes:
    """Writes, edits and deletes tweets in MySQL, one per transaction.

    Iterating commits the next one, and yields a function that does the same to a collection.
    """

    def __init__(self, connection: Connection[Cursor], life: Life) -> None:
        self._cursor = connection.cursor()
        self._random = Random(f"{life.seed} {life.number}")
        self._invented = invented_tweets(life.seed + life.number, first_id=life.number * IDS_APART)
        self._cursor.execute("SELECT id FROM twitter.tweets ORDER BY id")
        self._ids = [row[0] for row in self._cursor.fetchall()]

    def __iter__(self) -> Iterator[Repeat]:
        while True:
            [kind] = self._random.choices([self._write, self._edit, self._delete], [6, 3, 1])
            yield kind() if self._ids else self._write()

    def _write(self) -> Repeat:
        row = tweet_row(next(self._invented))._replace(user_id=AUTHOR_ID, **_WITHOUT_JSON)
        self._cursor.execute(insertion("tweets", TweetRow._fields), row)
        self._ids.append(row.id)
        document = expected_tweet(row._asdict() | AUTHOR_NAMES)
        document["replicated_at"] = datetime.now(UTC)
        return lambda tweets: tweets.insert_one(document)

    def _edit(self) -> Repeat:
        key = self._random.choice(self._ids)
        text, now = tweet_row(next(self._invented)).text, datetime.now(UTC).replace(tzinfo=None)
        self._cursor.execute(
            "UPDATE twitter.tweets SET text = %s, updated_at = %s WHERE id = %s", (text, now, key)
        )
        change = {"$set": {"text": text, "updated_at": date(now)}}
        return lambda tweets: tweets.update_one({"_id": bigint(key)}, change)

    def _delete(self) -> Repeat:
        key = self._ids.pop(self._random.randrange(len(self._ids)))
        self._cursor.execute("DELETE FROM twitter.tweets WHERE id = %s", (key,))
        return lambda tweets: tweets.delete_one({"_id": bigint(key)})
