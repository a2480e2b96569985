"""Counts the rows of tables and the documents of collections, once in some seconds a process."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from django.core.cache import cache
from django.db import DatabaseError, connection

from cdc.model.table_name import full_name, split_name, sql_name
from portal.mongodb import Documents

KEPT_SECONDS: Final = 10
COUNTED_ROWS: Final = 200_000
"""Up to so many rows in all, by the server's estimate, are counted; of more, it is shown."""

_COUNTED_WITHIN_SECONDS: Final = 0.5

_counting: Final = Lock()


@dataclass(frozen=True, slots=True)
class Sizes:
    """`rows` of the tables that the portal's account may read; `exact`: they were counted."""

    rows: dict[str, int] = field(default_factory=dict)
    exact: bool = False
    documents: dict[str, int] = field(default_factory=dict)


def sizes(documents: Documents, tables: Collection[str], collections: Collection[str]) -> Sizes:
    """Return the sizes, of the last seconds if there are any; raises `mongodb.Unavailable`."""
    key = f"sizes:{documents.name}:{hash((*sorted(tables), *sorted(collections)))}"
    with _counting:
        found: Sizes | None = cache.get(key)
        if found is None:
            rows, exact = _rows(sorted(tables))
            counted = {each: documents[each].estimated_document_count() for each in collections}
            found = Sizes(rows, exact, counted)
            cache.set(key, found, KEPT_SECONDS)
    return found


def _rows(tables: Sequence[str]) -> tuple[dict[str, int], bool]:
    """Return the rows of each table, and whether they were counted."""
    if not tables:
        return {}, True
    try:
        estimated = _estimated(tables)
        if sum(estimated.values()) > COUNTED_ROWS:
            return estimated, False
    except DatabaseError:
        return {}, False
    try:
        return _counted([*estimated]), True
    except DatabaseError:  # it may not read one, or the estimate was far too low
        return estimated, False


def _estimated(tables: Sequence[str]) -> dict[str, int]:
    """Return about how many rows the tables have that the account knows; in one query."""
    names = [split_name(each) for each in tables]
    places = ", ".join(["(%s, %s)"] * len(names))
    with connection.cursor() as cursor:
        if not _is_mariadb():  # it would tell what it knew a day ago
            cursor.execute("SET SESSION information_schema_stats_expiry = 0")
        cursor.execute(
            "SELECT table_schema, table_name, table_rows FROM information_schema.tables"
            f" WHERE (table_schema, table_name) IN ({places})",
            [word for name in names for word in name],
        )
        return {full_name(schema, name): rows or 0 for schema, name, rows in cursor.fetchall()}


def _counted(tables: Sequence[str]) -> dict[str, int]:
    """Count the rows of the tables, in one query that ends in time."""
    if not tables:
        return {}
    counts = ", ".join(f"(SELECT COUNT(*) FROM {sql_name(*split_name(each))})" for each in tables)
    with connection.cursor() as cursor:
        cursor.execute(_in_time(counts))
        return dict(zip(tables, cursor.fetchone(), strict=True))


def _in_time(selected: str) -> str:
    if _is_mariadb():
        return f"SET STATEMENT max_statement_time={_COUNTED_WITHIN_SECONDS} FOR SELECT {selected}"
    return f"SELECT /*+ MAX_EXECUTION_TIME({_COUNTED_WITHIN_SECONDS * 1000:.0f}) */ {selected}"


def _is_mariadb() -> bool:
    return bool(getattr(connection, "mysql_is_mariadb", False))
