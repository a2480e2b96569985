"""The authors of the tweets, and the mappings that embed their names or do not."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from bench import loading
from bench.loading import BULK_TRANSACTION_ROWS, insertion
from bench.stage import Stage, shipped
from cdc_sandbox.demo.rows import UserRow

EMBEDDING: Final = shipped(without=("indexes", "stamp"))
PLAIN: Final = shipped(without=("embed", "indexes", "stamp"))


def insert(stage: Stage, number: int) -> None:
    """Put so many authors in the place of those that are there; ids count from 1."""
    stage.say(f"loading {number:,} authors")
    with loading.quickly(stage) as connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM twitter.users")
        for first in range(1, number + 1, BULK_TRANSACTION_ROWS):
            last = min(number, first + BULK_TRANSACTION_ROWS - 1)
            rows = [_author(each) for each in range(first, last + 1)]
            cursor.executemany(insertion("users", UserRow._fields), rows)


def names(number: int) -> dict[str, Any]:
    """Return what a tweet embeds of an author."""
    return {"screen_name": f"author_{number}", "name": f"Author {number}"}


def _author(number: int) -> UserRow:
    at = datetime(2026, 1, 1)
    return UserRow(
        id=number,
        **names(number),
        password="!",
        role="member",
        description=None,
        location=None,
        lang=None,
        followers_count=0,
        friends_count=0,
        statuses_count=0,
        verified=False,
        created_at=at,
        updated_at=at,
    )
