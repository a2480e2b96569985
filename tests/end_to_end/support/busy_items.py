"""A table `items (id, word)` that somebody changes all the time."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.end_to_end.support.stream import Stream

KEYS = 80
PAUSE_SECONDS = 0.01


@contextmanager
def changing(stream: Stream, seed: int) -> Iterator[None]:
    """Insert, update, delete rows and change their keys, a transaction each, until the end."""
    ended = threading.Event()
    chance = random.Random(seed)

    def change() -> None:
        with stream.source.connect(stream.schema) as connection, connection.cursor() as cursor:
            while not ended.wait(PAUSE_SECONDS):
                cursor.execute(_statement(chance))

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _statement(chance: random.Random) -> str:
    key, word = chance.randrange(KEYS), chance.randrange(1000)
    return chance.choice(
        (
            f"UPDATE items SET word = '{word}' WHERE id = {key}",
            f"REPLACE INTO items VALUES ({key}, '{word}')",
            f"DELETE FROM items WHERE id = {key}",
            f"UPDATE IGNORE items SET id = {chance.randrange(KEYS)} WHERE id = {key}",
        )
    )
