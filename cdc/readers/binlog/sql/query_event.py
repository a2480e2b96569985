"""Query events: the statement that one holds, and whether it had an effect.

Format: `Query_event` in MySQL's `libs/mysql/binlog/event/statement_events.h`.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from cdc.errors import Corrupted, RefusedEvent
from cdc.model.transaction import Effect, SchemaChange, TableChange
from cdc.readers.binlog import rows
from cdc.readers.binlog.events import HEADER_SIZE, Event, EventType
from cdc.readers.binlog.sql import query_status
from cdc.readers.binlog.sql.query_status import AlterPhase, QueryStatus
from cdc.readers.binlog.sql.statements import OTHER, Statement, classify, first_word
from cdc.readers.binlog.table_maps import Decode

LOG_EVENT_THREAD_SPECIFIC: Final = 0x4
_WITHOUT_EFFECT: Final = frozenset({AlterPhase.START, AlterPhase.ROLLBACK})
_UNDER_A_FLAG: Final = frozenset({"TRUNCATE", "ALTER"})
"""Verbs that are logged without TEMPORARY for a temporary table, only under the thread's flag."""
_read_query_sizes = struct.Struct("<8xB2xH").unpack_from
_read_query_error = struct.Struct("<9xH").unpack_from
_QUERY_STATUS_AT: Final = HEADER_SIZE + 13
_LOADED_STATUS_AT: Final = _QUERY_STATUS_AT + 13
"""EXECUTE_LOAD_QUERY has there a file's number, the place of its name, and what duplicates do."""
_NUL: Final = b"\0"
"""The end of the schema's name."""
_BEGIN: Final = b"\0BEGIN"
"""The end of the schema's name, and the statement."""


class Query(NamedTuple):
    """A statement and the schema that it ran in, as bytes of the client's charset.

    `status` are its status variables; `error` is its error number on the source, mostly 0.
    """

    schema: bytes
    statement: bytes
    status: bytes
    error: int = 0


def is_begin(event: Event) -> bool:
    """Return whether a QUERY event's statement is BEGIN, as it mostly is; takes little time."""
    data = event.data
    if not data.endswith(_BEGIN):
        return False
    schema_size, status_size = _read_query_sizes(data, HEADER_SIZE)
    begins_at: int = _QUERY_STATUS_AT + status_size + schema_size
    return len(data) == begins_at + len(_BEGIN)


class Logged(NamedTuple):
    """A statement, and the schemas of all tables that it used, if the event has them."""

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
    """Return the first word of a QUERY event's statement if SQL has such a word, else `?`.

    Nothing else may be shown of a statement that holds values.
    """
    return first_word(uncompressed(event).statement) or "?"


def uncompressed(event: Event) -> Query:
    """Read one of these events, with its statement as it was run."""
    query = _query(event)
    if event.type == EventType.QUERY_COMPRESSED:
        query = query._replace(statement=rows.uncompress(query.statement))
    return query


def _query(event: Event) -> Query:
    """Read a QUERY event, MariaDB's QUERY_COMPRESSED, or EXECUTE_LOAD_QUERY."""
    data = event.data
    schema_size, status_size = _read_query_sizes(data, HEADER_SIZE)
    [error] = _read_query_error(data, HEADER_SIZE)
    loads = event.type == EventType.EXECUTE_LOAD_QUERY
    status_at = _LOADED_STATUS_AT if loads else _QUERY_STATUS_AT
    schema_at = status_at + status_size
    schema_end = schema_at + schema_size
    if data[schema_end : schema_end + 1] != _NUL:
        raise Corrupted("a statement's event is cut short")
    schema, statement = data[schema_at:schema_end], data[schema_end + 1 :]
    return Query(schema, statement, status=data[status_at:schema_at], error=error)


def _doubted(change: SchemaChange, flags: int, error: int, *, mariadb: bool) -> SchemaChange:
    """Mark what may concern a temporary table, or have been given up halfway.

    The flag is no proof: in a procedure it stays set after the first statement that sets it. A
    RENAME (and an ALTER that renames) is logged without it; MySQL knows none of temporary tables.
    """
    renames = any(table.effect is Effect.BROUGHT_IN for table in change.tables)
    flagged = bool(flags & LOG_EVENT_THREAD_SPECIFIC) and change.verb in _UNDER_A_FLAG
    if not (error or flagged or (mariadb and renames)):
        return change
    tables = (_failed(table) if error else table for table in change.tables)
    return change._replace(tables=tuple(table._replace(doubtful=True) for table in tables))


def _failed(table: TableChange) -> TableChange:
    """Return the effect of a failed statement: CREATE OR REPLACE has dropped the table."""
    return table._replace(effect=Effect.REMOVED) if table.effect is Effect.EMPTIED else table


def _utf8(query: Query, status: QueryStatus, decode: Decode) -> bytes:
    """Return a statement, logged in its client's charset, as UTF-8."""
    statement = query.statement
    if statement.isascii() or not status.collation:
        return statement
    try:
        return decode(statement, status.collation).encode()
    except (UnicodeDecodeError, RefusedEvent):
        return statement
