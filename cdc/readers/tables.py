"""The tables that a source has."""

from __future__ import annotations

from typing import Final

from cdc.readers.source import SourceConnection

_SERVERS_OWN: Final = ("information_schema", "mysql", "performance_schema", "sys")


def list_tables(connection: SourceConnection) -> list[tuple[str, str]]:
    """Return (schema, table) of every table that the account can see, but the server's own.

    Sorted by name. Views and sequences are none: they have no rows of their own.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " WHERE table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') AND table_schema NOT IN %s",
            (_SERVERS_OWN,),
        )
        return sorted((str(schema), str(table)) for schema, table in cursor.fetchall())
