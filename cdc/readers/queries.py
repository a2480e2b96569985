"""Query events: the statement that one holds, classified."""

from __future__ import annotations

from cdc.errors import RefusedEvent
from cdc.readers import events, rows
from cdc.readers.events import Event, EventType, Query
from cdc.readers.statements import Statement, classify
from cdc.readers.table_maps import Decode


def statement(event: Event, decode: Decode) -> Statement:
    """Read a QUERY event, or MariaDB's QUERY_COMPRESSED."""
    query = events.query(event)
    if event.type == EventType.QUERY_COMPRESSED:
        query = query._replace(statement=rows.uncompress(query.statement))
    return classify(_utf8(query, decode), query.schema)


def _utf8(query: Query, decode: Decode) -> bytes:
    """Return a statement, which is logged in its client's charset, as UTF-8."""
    statement = query.statement
    if statement.isascii() or not (collation := query.collation):
        return statement
    try:
        return decode(statement, collation).encode()
    except (UnicodeDecodeError, RefusedEvent):
        return statement
