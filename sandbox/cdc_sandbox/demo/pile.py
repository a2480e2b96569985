"""A pile of rows that is committed while the daemon is stopped: how fast it catches up."""

from __future__ import annotations

from typing import Final

from cdc_sandbox.demo.connections import Connection
from cdc_sandbox.demo.rows import TweetRow
from cdc_sandbox.demo.schema import SCHEMA

ROWS: Final = 20_000
TRANSACTION_ROWS: Final = 250

_FIRST_ID: Final = 5_000_000_000_000_000_000
"""Above all ids of tweets, and below what a signed integer of 64 bits holds."""

_COLUMNS: Final = ", ".join(name for name in TweetRow._fields if name != "id")
_COPY: Final = (
    f"INSERT INTO {SCHEMA}.tweets (id, {_COLUMNS})"
    f" SELECT %s + ROW_NUMBER() OVER (ORDER BY id), {_COLUMNS}"
    f" FROM {SCHEMA}.tweets WHERE id < %s ORDER BY id LIMIT {TRANSACTION_ROWS}"
)


def pile_up(connection: Connection) -> int:
    """Copy tweets under other ids, a transaction for each few hundred; return how many."""
    rows, cursor = 0, connection.cursor()
    while rows < ROWS:
        copied = cursor.execute(_COPY, (_FIRST_ID + rows, _FIRST_ID))
        connection.commit()
        if not copied:
            break
        rows += copied
    return rows
