"""Puts rows into the source's binlog, quickly, and reports their positions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from bench.stage import DURABLE, RELAXED, Stage
from bench.tweets import batches, tweets
from cdc_sandbox.demo.rows import TweetRow

if TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

SINGLE_ROWS_SHARE = 0.15
BULK_TRANSACTION_ROWS = 1_000
IDS_APART = 1_000_000_000_000
"""Distance of two loads' ids: more than 1,000 times the rows of either."""


@dataclass(frozen=True, slots=True)
class Load:
    """Rows in the binlog: all that follows the GTID set `start`, up to `end`."""

    table: str
    rows: int
    transaction_rows: int
    start: str
    end: str


def singles(stage: Stage) -> int:
    """Return the rows of a load of single-row transactions, beside that of the whole run."""
    return max(1_000, int(stage.rows * SINGLE_ROWS_SHARE))


def insert(
    stage: Stage,
    *,
    rows: int,
    transaction_rows: int = BULK_TRANSACTION_ROWS,
    table: str = "tweets",
    columns: Sequence[str] = TweetRow._fields,
    authors: int | None = None,
) -> Load:
    """Insert tweets that nobody has inserted yet, a multi-row statement for each transaction.

    Their authors are those that were invented with them, or so many, whose ids count from 1.
    """
    stage.say(f"loading {rows:,} rows into {table}, {transaction_rows:,} a transaction")
    statement = insertion(table, columns)
    picked = [TweetRow._fields.index(name) for name in columns]
    source = tweets(first_id=stage.number() * IDS_APART)
    if authors is not None:
        source = _by(authors, source)

    def write(cursor: Cursor) -> None:
        for batch in batches(source, total=rows, size=transaction_rows):
            cursor.executemany(statement, [[row[at] for at in picked] for row in batch])

    start = stage.executed()
    with quickly(stage) as connection, connection.cursor() as cursor:
        write(cursor)
    return Load(table, rows, transaction_rows, start, stage.executed())


def update(
    stage: Stage,
    *,
    rows: int,
    transaction_rows: int = BULK_TRANSACTION_ROWS,
    table: str = "tweets",
) -> Load:
    """Update the first rows of the table, some in each transaction."""
    stage.say(f"updating {rows:,} rows of {table}, {transaction_rows:,} a transaction")
    start = stage.executed()
    with quickly(stage) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM twitter.{table} ORDER BY id LIMIT {rows}")
        ids = [int(row[0]) for row in cursor.fetchall()]
        for first, last in _ends(ids, transaction_rows):
            cursor.execute(
                f"UPDATE twitter.{table} SET retweet_count = coalesce(retweet_count, 0) + 1,"
                " updated_at = updated_at + INTERVAL 1 SECOND WHERE id BETWEEN %s AND %s",
                (first, last),
            )
    return Load(table, len(ids), transaction_rows, start, stage.executed())


def update_any(stage: Stage, *, rows: int, table: str = "tweets") -> Load:
    """Update the first rows of the table so many times: any of them, one a transaction."""
    stage.say(f"updating any of {rows:,} rows of {table}, as many times")
    start, chosen = stage.executed(), Random(rows)
    with quickly(stage) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM twitter.{table} ORDER BY id LIMIT {rows}")
        ids = [int(row[0]) for row in cursor.fetchall()]
        for _ in range(rows):
            cursor.execute(
                f"UPDATE twitter.{table} SET retweet_count = coalesce(retweet_count, 0) + 1"
                f" WHERE id = {chosen.choice(ids)}"
            )
    return Load(table, rows, 1, start, stage.executed())


def insertion(table: str, columns: Iterable[str]) -> str:
    """Return the INSERT statement of one row."""
    names = list(columns)
    places = ", ".join(["%s"] * len(names))
    return f"INSERT INTO twitter.{table} ({', '.join(names)}) VALUES ({places})"


def _by(authors: int, rows: Iterator[TweetRow]) -> Iterator[TweetRow]:
    chosen = Random(authors)
    for row in rows:
        yield row._replace(user_id=chosen.randint(1, authors))


def _ends(ids: list[int], size: int) -> Iterator[tuple[int, int]]:
    for at in range(0, len(ids), size):
        part = ids[at : at + size]
        yield part[0], part[-1]


@contextmanager
def quickly(stage: Stage) -> Iterator[Connection[Cursor]]:
    """Yield a connection in autocommit mode, on a source that does not wait for its disk."""
    for statement in RELAXED:
        stage.source.execute(statement)
    with closing(stage.source.connect()) as connection:
        with connection.cursor() as cursor:
            cursor.execute("SET foreign_key_checks = 0")
        yield connection
    for statement in DURABLE:
        stage.source.execute(statement)
