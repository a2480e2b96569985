"""Rows of megabytes, and transactions of 200 MB."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pymongo.database import Database
from pymysql.cursors import Cursor

from tests.end_to_end.support.stream import Stream

MEGABYTE: Final = 1_000_000
CALM: Final = "heavy"
"""The table whose rows all fit into documents: what a job finds in it is right."""
OVERSIZED: Final = "oversized"
"""Rows that may be larger than a document can be: dead letters, until they become smaller."""
HEAPS: Final = "heaps"
"""What transactions of 200 MB change."""
MARKS: Final = "heavy_marks"
"""How many bytes of rows each writer has put into the log, a row each, in its own transactions."""
TABLES: Final = (CALM, OVERSIZED, HEAPS)

LARGEST_ROW: Final = 15 * MEGABYTE
"""Below the 16 MiB of a document."""
TOO_LARGE: Final = 17 * MEGABYTE
LARGEST_EVENT: Final = 2 * TOO_LARGE
"""An update's event holds a row as it was and as it is."""
SIZES: Final = (1_000, 1_000, 100_000, MEGABYTE, 5 * MEGABYTE, LARGEST_ROW)
ROWS: Final = 16
OVERSIZED_ROWS: Final = 4
HEAP_ROWS: Final = 10
HEAP_ROW: Final = 10 * MEGABYTE
SMALL_HEAP_ROWS: Final = 1_000
SMALL_HEAP_ROW: Final = 100_000
HEAP_BYTES: Final = 2 * HEAP_ROWS * HEAP_ROW
"""Of a transaction: each row as it was, and as it is."""

MOST_AHEAD_BYTES: Final = 60 * MEGABYTE
"""So many bytes is the source ahead of the target, at most, beside one transaction of 200 MB."""
MOST_BYTES: Final = 1_600 * MEGABYTE
"""So much does a campaign write: a small disk has 4 GB, for the log, the rows and what undoes."""

OPTIONS: Final = (
    "--max-allowed-packet=64M",
    "--loose-innodb-redo-log-capacity=512M",
    "--loose-innodb-log-file-size=256M",  # as it is called elsewhere
)
"""Of a source: it makes no row that is larger than a packet."""
OPLOG: Final = "--oplogSize=3000"
"""MB. A secondary that lags for seconds must find all of it there."""


def create(stream: Stream) -> None:
    """Create the tables, and follow them."""
    for each in TABLES:
        stream.sql(
            f"CREATE TABLE {each} (id INT NOT NULL PRIMARY KEY, word VARCHAR(20), version BIGINT"
            " NOT NULL DEFAULT 0, body LONGTEXT, bytes LONGBLOB) ENGINE=InnoDB"
            " CHARACTER SET utf8mb4"
        )
        stream.map(each)
    stream.table(MARKS, "id INT NOT NULL PRIMARY KEY, written BIGINT NOT NULL")
    stream.sql(f"INSERT INTO {MARKS} VALUES (1, 0), (2, 0)")


def statements(chance: random.Random) -> Iterator[str]:
    """Yield a transaction of large rows, and in it how many bytes of rows it logs."""
    if chance.random() < 0.15:
        yield from _oversized(chance)
        return
    one, other = chance.randrange(ROWS), chance.randrange(ROWS)
    size = chance.choice(SIZES)
    match chance.randrange(7):
        case 0 | 1 | 2:
            yield from (_weigh(CALM, one), mark(1, size))
            yield f"DELETE FROM {CALM} WHERE id = {one}"
            yield f"INSERT INTO {CALM} VALUES {_row(chance, one, size)}"
        case 3 | 4:
            yield _weigh(CALM, one, times=2)
            yield f"UPDATE {CALM} SET version = version + 1 WHERE id = {one}"
        case 5:
            yield _weigh(CALM, one, other)
            yield f"DELETE FROM {CALM} WHERE id IN ({one}, {other})"
        case _:
            yield _weigh(CALM, one, other, times=3)
            yield f"UPDATE {CALM} SET id = -1 WHERE id = {one}"
            yield f"UPDATE {CALM} SET id = {one} WHERE id = {other}"
            yield f"UPDATE {CALM} SET id = {other} WHERE id = -1"


def _oversized(chance: random.Random) -> Iterator[str]:
    key = chance.randrange(OVERSIZED_ROWS)
    match chance.randrange(4):
        case 0 | 1:
            size = chance.choice((1_000, LARGEST_ROW, TOO_LARGE))
            yield from (_weigh(OVERSIZED, key), mark(1, size))
            yield f"REPLACE INTO {OVERSIZED} VALUES {_row(chance, key, size)}"
        case 2:
            yield _weigh(OVERSIZED, key, times=2)
            yield f"UPDATE {OVERSIZED} SET version = version + 1 WHERE id = {key}"
        case _:
            yield _weigh(OVERSIZED, key)
            yield f"DELETE FROM {OVERSIZED} WHERE id = {key}"


def _weigh(table: str, *keys: int, times: int = 1) -> str:
    """Return the statement that marks so many times what these rows weigh now."""
    among = ", ".join(map(str, keys))
    return (
        f"UPDATE {MARKS} SET written = written + (SELECT {times} * COALESCE(SUM(LENGTH(body) +"
        f" LENGTH(bytes)), 0) FROM {table} WHERE id IN ({among})) WHERE id = 1"
    )


def transaction(chance: random.Random) -> Iterator[str]:
    """Yield the statements of a transaction of some 200 MB, of which a part may be rolled back."""
    if chance.random() < 0.5:
        rows = [_row(chance, key, HEAP_ROW) for key in range(HEAP_ROWS)]
        changes = [f"REPLACE INTO {HEAPS} VALUES {each}" for each in rows]
    else:
        keys = range(100, 100 + SMALL_HEAP_ROWS)
        many = [_row(chance, key, SMALL_HEAP_ROW) for key in keys]
        changes = [
            f"REPLACE INTO {HEAPS} VALUES {','.join(many[at : at + 50])}"
            for at in range(0, SMALL_HEAP_ROWS, 50)
        ]
        changes.append(f"UPDATE {HEAPS} SET version = version + 1 WHERE id >= 600")
    kept = chance.randrange(len(changes))
    back = chance.random() < 0.5
    for number, each in enumerate(changes):
        if back and number == kept:
            yield "SAVEPOINT here"
            yield f"DELETE FROM {HEAPS} WHERE id % 2"
            yield each
            yield "ROLLBACK TO SAVEPOINT here"
        yield each
    yield mark(2, HEAP_BYTES)


def mark(writer: int, size: int) -> str:
    """Return the statement by which a transaction says how many bytes it has logged."""
    return f"UPDATE {MARKS} SET written = written + {size} WHERE id = {writer}"


def last_statements() -> Iterator[str]:
    """Yield what makes all rows fit into documents again."""
    yield (
        f"UPDATE {OVERSIZED} SET body = 'smaller', bytes = '' WHERE"
        f" LENGTH(body) + LENGTH(bytes) > {LARGEST_ROW}"
    )


def rows(stream: Stream) -> dict[str, dict[Any, dict[str, Any]]]:
    """Return the rows of all tables, a digest for each large value: hundreds of MB, one by one."""
    found: dict[str, dict[Any, dict[str, Any]]] = {}
    with stream.source.connect(stream.schema) as connection, connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(
                f"SELECT id, word, version, SHA2(body, 256), SHA2(bytes, 256) FROM {table}"
            )
            found[table] = {
                key: {"word": word, "version": version, "body": body, "bytes": data}
                for key, word, version, body, data in cursor.fetchall()
            }
    return found


def documents(database: Database[dict[str, Any]], table: str) -> dict[Any, dict[str, Any]]:
    """Return the documents of a table as `rows` returns its rows."""
    found = database[table].find(batch_size=1)
    return {
        each.pop("_id"): {
            **each,
            "body": digest(each["body"].encode()),
            "bytes": digest(each["bytes"]),
        }
        for each in found
    }


def written(cursor: Cursor) -> dict[int, int]:
    """Return how many bytes of rows each writer has put into the log."""
    cursor.execute(f"SELECT id, written FROM {MARKS}")
    return {int(writer): int(size) for writer, size in cursor.fetchall()}


def is_enough(cursor: Cursor) -> bool:
    """Return whether the disks may have no room for more."""
    return sum(written(cursor).values()) > MOST_BYTES


def is_ahead(written: Mapping[int, int], database: Database[dict[str, Any]]) -> bool:
    """Return whether the target has to come nearer to the source first."""
    applied = {each["_id"]: int(each["written"]) for each in database[MARKS].find()}
    return sum(written.values()) - sum(applied.values()) > MOST_AHEAD_BYTES


def digest(value: bytes | None) -> str | None:
    """Return what `SHA2(…, 256)` makes of a value."""
    return None if value is None else hashlib.sha256(value).hexdigest()


def _row(chance: random.Random, key: int, size: int) -> str:
    """Return a row of so many bytes: half of them text, half binary, and like no other row."""
    text, data = f"'{chance.getrandbits(60):015x}ä'", f"X'{chance.getrandbits(64):016x}'"
    return (
        f"({key}, 'w{chance.randrange(1000)}', 0, REPEAT({text}, {size // 34}),"
        f" REPEAT({data}, {size // 16}))"
    )
