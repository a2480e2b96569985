"""Query events: the statement that one holds, and whether it had an effect."""

from __future__ import annotations

from typing import Final, NamedTuple

from cdc.errors import RefusedEvent
from cdc.model.transaction import Effect, SchemaChange, TableChange
from cdc.readers.binlog import events, rows
from cdc.readers.binlog.events import Event, EventType, Query
from cdc.readers.binlog.sql import query_status
from cdc.readers.binlog.sql.query_status import AlterPhase, QueryStatus
from cdc.readers.binlog.sql.statements import OTHER, Statement, classify, first_word
from cdc.readers.binlog.table_maps import Decode

_WITHOUT_EFFECT: Final = frozenset({AlterPhase.START, AlterPhase.ROLLBACK})
_UNDER_A_FLAG: Final = frozenset({"TRUNCATE", "ALTER"})
"""What is logged of a temporary table under the thread's flag, and without saying TEMPORARY."""


class Logged(NamedTuple):
    """A statement, and the schemas of all tables that it used where the event tells them."""

    statement: Statement
    schemas: frozenset[str] | None


def logged(event: Event, decode: Decode, *, mariadb: bool) -> Logged:
    """Read a QUERY event, MariaDB's QUERY_COMPRESSED, or EXECUTE_LOAD_QUERY."""
    query = uncompressed(event)
    status = query_status.read(query.status)
    statement = classify(_utf8(query, status, decode), query.schema, status.sql_mode)
    if status.phase in _WITHOUT_EFFECT:
        statement = OTHER
    elif statement.change is not None:
        change = _doubted(statement.change, event.flags, query.error, mariadb=mariadb)
        statement = statement.changing(change)
    return Logged(statement, status.schemas)


def verb(event: Event) -> str:
    """Return the first word of a QUERY event's statement where it is one that SQL has, else `?`.

    Nothing else of a statement that holds values may be shown.
    """
    return first_word(uncompressed(event).statement) or "?"


def uncompressed(event: Event) -> Query:
    """Read one of these events, with its statement as it was run."""
    query = events.query(event)
    if event.type == EventType.QUERY_COMPRESSED:
        query = query._replace(statement=rows.uncompress(query.statement))
    return query


def _doubted(change: SchemaChange, flags: int, error: int, *, mariadb: bool) -> SchemaChange:
    """Mark what may have been done to a temporary table, or been given up halfway.

    The flag is no proof: in a procedure it stays set behind the first statement that sets it. A
    RENAME, by which ALTER is meant that renames, is logged without it; MySQL knows none of
    temporary tables.
    """
    renames = any(table.effect is Effect.BROUGHT_IN for table in change.tables)
    flagged = bool(flags & events.LOG_EVENT_THREAD_SPECIFIC) and change.verb in _UNDER_A_FLAG
    if not (error or flagged or (mariadb and renames)):
        return change
    tables = (_failed(table) if error else table for table in change.tables)
    return change._replace(tables=tuple(table._replace(doubtful=True) for table in tables))


def _failed(table: TableChange) -> TableChange:
    """Return what is left by a statement that failed: CREATE OR REPLACE has dropped the table."""
    return table._replace(effect=Effect.REMOVED) if table.effect is Effect.EMPTIED else table


def _utf8(query: Query, status: QueryStatus, decode: Decode) -> bytes:
    """Return a statement, which is logged in its client's charset, as UTF-8."""
    statement = query.statement
    if statement.isascii() or not status.collation:
        return statement
    try:
        return decode(statement, status.collation).encode()
    except (UnicodeDecodeError, RefusedEvent):
        return statement
