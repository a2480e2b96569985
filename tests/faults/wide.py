"""Thousands of mapped tables: each tenant's, which share a collection, and some of their own."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any, Final

from tests.end_to_end.support.stream import Stream

TABLES: Final = 1_000
"""So many are mapped, unless a campaign is told otherwise."""
OWN: Final = 20
"""One of so many tables has a mapping and a collection of its own."""
TENANTS: Final = "tenants"
"""The collection that all tenants share."""
NEW: Final = 30
"""So many names are there for tenants that come and go."""
CALM: Final = ("tenant_0001", "tenant_0002", "tenant_0003", "own_0000")
"""Tables that stay: what a job finds in them is right."""
KEYS: Final = 12
AT_ONCE: Final = 60
"""So many tables does one statement read when both sides are compared."""

_COLUMNS: Final = "id INT NOT NULL PRIMARY KEY, word VARCHAR(20), version BIGINT NOT NULL DEFAULT 0"


def names(tables: int) -> tuple[list[str], list[str]]:
    """Return the names of so many tables: those of tenants, and those with their own mapping."""
    own = tables // OWN
    return [f"tenant_{n:04}" for n in range(tables - own)], [f"own_{n:04}" for n in range(own)]


def create(stream: Stream, tables: int) -> None:
    """Create so many tables, and follow them."""
    tenants, own = names(tables)
    both = [*tenants, *own]
    stream.sql(
        *(f"CREATE TABLE {each} ({_COLUMNS}) ENGINE=InnoDB" for each in both),
        *(f"INSERT INTO {each} (id, word) VALUES (0, 'first')" for each in both[::7]),
    )
    stream.map(
        TENANTS,
        {
            "source": f"{stream.schema}.tenant_*",
            "id": [{"source": "table"}, "id"],
            "on_drop": "apply",
        },
    )
    for each in own:
        stream.map(each)


def statements(chance: random.Random, tenants: Sequence[str], own: Sequence[str]) -> Iterator[str]:
    """Yield a transaction that changes rows of several tables, any of all."""
    for _ in range(chance.randrange(2, 7)):
        table = chance.choice(own if own and chance.random() < 0.1 else tenants)
        key = chance.randrange(KEYS)
        match chance.randrange(6):
            case 0 | 1:
                values = ", ".join(f"({key + n}, 'w{chance.randrange(1000)}')" for n in range(3))
                yield f"REPLACE INTO {table} (id, word) VALUES {values}"
            case 2 | 3:
                yield f"UPDATE {table} SET version = version + 1 WHERE id >= {key}"
            case 4:
                yield f"UPDATE {table} SET id = id + 100 WHERE id = {key}"
            case _:
                yield f"DELETE FROM {table} WHERE id IN ({key}, {key + 100})"


def change_of_tables(chance: random.Random) -> str:
    """Return a statement by which a tenant comes, changes, goes, or takes another name.

    It may be refused, as what it names may be there already, or not be there.
    """
    one, other = (f"tenant_new_{chance.randrange(NEW):02}" for _ in range(2))
    match chance.randrange(12):
        case 0 | 1 | 2:
            return f"CREATE TABLE IF NOT EXISTS {one} ({_COLUMNS}) ENGINE=InnoDB"
        case 3 | 4 | 5 | 6:
            return f"REPLACE INTO {one} (id, word) VALUES (1, 'new'), ({chance.randrange(99)}, 'x')"
        case 7:
            return f"ALTER TABLE {one} ADD COLUMN extra INT DEFAULT {chance.randrange(99)}"
        case 8:
            return f"ALTER TABLE {one} DROP COLUMN extra"
        case 9:
            return f"TRUNCATE TABLE {one}"
        case 10:
            return f"RENAME TABLE {one} TO {other}"
        case _:
            return f"DROP TABLE IF EXISTS {one}"


def rows(stream: Stream) -> dict[str, dict[Any, dict[str, Any]]]:
    """Return the rows of all tables, by the collections that are to hold them.

    Tables of the same columns are read many at once: one by one thousands would take minutes.
    """
    found: dict[str, dict[Any, dict[str, Any]]] = {TENANTS: {}}
    with stream.source.connect(stream.schema) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, GROUP_CONCAT(column_name ORDER BY ordinal_position)"
            " FROM information_schema.columns WHERE table_schema = %s"
            r" AND (table_name LIKE 'tenant\_%%' OR table_name LIKE 'own\_%%')"
            " GROUP BY table_name",
            (stream.schema,),
        )
        alike: dict[str, list[str]] = {}
        for table, columns in cursor.fetchall():
            alike.setdefault(str(columns), []).append(str(table))
        for columns, tables in alike.items():
            for at in range(0, len(tables), AT_ONCE):
                some = tables[at : at + AT_ONCE]
                cursor.execute(
                    " UNION ALL ".join(f"SELECT '{each}', {columns} FROM {each}" for each in some)
                )
                for table, key, *values in cursor.fetchall():
                    row = dict(zip(columns.split(",")[1:], values, strict=True))
                    if table.startswith("tenant"):
                        found[TENANTS][table, key] = row
                    else:
                        found.setdefault(table, {})[key] = row
            for each in tables:
                if not each.startswith("tenant"):
                    found.setdefault(each, {})
    return found
