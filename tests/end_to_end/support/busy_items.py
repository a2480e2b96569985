"""A table `items (id, word)` that somebody changes all the time."""

from __future__ import annotations

import random
import threading
from contextlib import AbstractContextManager

from tests.end_to_end.support.stream import Stream
from tests.support.working import working

KEYS = 80
PAUSE_SECONDS = 0.01


def changing(stream: Stream, seed: int) -> AbstractContextManager[None]:
    """Insert, update, delete rows and change their keys, a transaction each, until the end."""
    chance = random.Random(seed)

    def change(ended: threading.Event) -> None:
        with stream.source.connect(stream.schema) as connection, connection.cursor() as cursor:
            while not ended.wait(PAUSE_SECONDS):
                cursor.execute(_statement(chance))

    return working(change)


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
