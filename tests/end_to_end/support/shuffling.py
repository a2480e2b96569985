"""A table whose rows are changed at random while it is copied."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import count

import pymysql

from tests.end_to_end.support.keys import INTEGER, Keys, Literals
from tests.end_to_end.support.stream import Stream

ROWS = 2_000
WRITERS = 2
COLUMNS = "name VARCHAR(40) NOT NULL, version INT NOT NULL, at DATETIME(3)"


def fill(stream: Stream, keys: Keys, chance: random.Random) -> None:
    stream.table("things", f"{keys.definitions}, {COLUMNS}, PRIMARY KEY ({', '.join(keys.names)})")
    for at in range(0, ROWS, 500):
        rows = ",".join(
            f"({keys.inserted(keys.literals(n, chance))}, 'row {n}', 0, NOW(3))"
            for n in range(at, at + 500)
        )
        stream.sql(f"INSERT INTO things VALUES {rows}")


class Shuffler:
    """Inserts, updates, deletes and moves keys of its own at random, some hundred a second.

    Each statement writes a larger version than any before it. A key is one writer's only, so that
    the statements on it are committed in the order of their versions.
    """

    def __init__(
        self, stream: Stream, keys: Keys, seed: int, number: int, stopping: threading.Event
    ) -> None:
        self._stream = stream
        self._keys = keys
        self._random = random.Random(seed + number)
        self._number = number
        self._stopping = stopping
        self._versions = count(1)

    def __call__(self) -> None:
        with self._stream.source.connect(self._stream.schema, autocommit=True) as connection:
            while not self._stopping.wait(0.004):  # a daemon that is killed must catch up, too
                with connection.cursor() as cursor:
                    try:
                        cursor.execute(self._statement())
                    except (pymysql.err.IntegrityError, pymysql.err.OperationalError):
                        continue  # a key that is taken, or a deadlock

    def _key(self) -> Literals:
        number = self._random.randrange(ROWS) * WRITERS + self._number
        return self._keys.literals(number, self._random)

    def _statement(self) -> str:
        keys, key, other, version = self._keys, self._key(), self._key(), next(self._versions)
        here, there = keys.found(key), keys.assigned(other)
        return self._random.choice(
            [
                f"INSERT INTO things VALUES ({keys.inserted(key)}, 'new', {version}, NOW(3))",
                f"UPDATE things SET version = {version}, at = NOW(3) WHERE {here}",
                f"DELETE FROM things WHERE {here}",
                f"UPDATE things SET {there}, version = {version} WHERE {here}",
            ]
        )


@contextmanager
def shuffled(stream: Stream, keys: Keys, seed: int) -> Iterator[None]:
    stopping = threading.Event()
    threads = [
        threading.Thread(target=Shuffler(stream, keys, seed, number, stopping))
        for number in range(WRITERS)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


def assert_same(stream: Stream, keys: Keys = INTEGER) -> None:
    """Both sides hold the same, and every time is in UTC."""
    for table in stream.tables:
        documents = stream.documents(table)
        for document in documents.values():
            document.update(
                {
                    name: value.replace(tzinfo=None)
                    for name, value in document.items()
                    if isinstance(value, datetime)
                }
            )
        rows = stream.rows(table, len(keys.names))
        wrong = {key for key in {*rows, *documents} if rows.get(key) != documents.get(key)}
        assert not wrong, [(rows.get(key), documents.get(key)) for key in sorted(wrong)[:5]]
