"""Which tables the source has, and how they were defined."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from cdc.model.table_definition import ColumnDefinition, ForeignKey, TableDefinition
from cdc.model.table_name import sql_name
from cdc.readers.server.connection import SourceConnection
from cdc.readers.server.queries import rows
from cdc.readers.server.table_description import describe_table

_SERVERS_OWN: Final = ("information_schema", "mysql", "performance_schema", "sys")


def list_tables(connection: SourceConnection) -> list[tuple[str, str]]:
    """Return (schema, table) of every table that the account can see, except the server's own.

    Sorted by name. Views and sequences are left out: they have no rows of their own.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " WHERE table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') AND table_schema NOT IN %s",
            (_SERVERS_OWN,),
        )
        return sorted((str(schema), str(table)) for schema, table in cursor.fetchall())


_NAME: Final = r"`(?:[^`]|``)+`"
# The lines of SHOW CREATE TABLE, in MySQL's and MariaDB's sql/sql_show.cc.
_FOREIGN_KEY: Final = re.compile(
    rf"^  CONSTRAINT {_NAME} FOREIGN KEY \((?P<columns>{_NAME}(?:, ?{_NAME})*)\)"
    rf" REFERENCES (?:(?P<schema>{_NAME})\.)?(?P<table>{_NAME})"
    rf" \((?P<referenced>{_NAME}(?:, ?{_NAME})*)\)",
    re.MULTILINE,
)
# MariaDB's JSON is LONGTEXT with this check, which the server adds by itself.
_JSON_CHECK: Final = re.compile(
    rf"^  (?P<name>{_NAME}) longtext .*CHECK \(json_valid\((?P=name)\)\)",
    re.MULTILINE | re.IGNORECASE,
)


def folds_names(connection: SourceConnection) -> bool:
    """Return whether the server treats names that differ in case as the same table."""
    [(setting,)] = rows(connection, "SELECT @@GLOBAL.lower_case_table_names")
    return int(setting) != 0


def define_table(connection: SourceConnection, schema: str, table: str) -> TableDefinition | None:
    """Query a table's definition; None for a table that the account cannot see.

    Foreign keys are read from SHOW CREATE TABLE: MariaDB's information_schema shows them only to
    accounts that may do more than SELECT.
    """
    table_map = describe_table(connection, schema, table)
    if table_map is None:
        return None
    text = _created(connection, schema, table)
    return TableDefinition(
        table_map=table_map,
        columns=tuple(_column_definitions(connection, schema, table, _json_columns(text))),
        foreign_keys=tuple(_foreign_keys(text, schema)),
        comment=_table_comment(connection, schema, table),
    )


def generated_columns(connection: SourceConnection, schema: str, table: str) -> dict[str, str]:
    """Query the columns that the server computes, with their expressions."""
    found = rows(
        connection,
        "SELECT column_name, generation_expression FROM information_schema.columns"
        " WHERE table_schema = %s AND table_name = %s AND generation_expression <> ''",
        schema,
        table,
    )
    return {str(name): str(expression) for name, expression in found}


def _created(connection: SourceConnection, schema: str, table: str) -> str:
    [[_, text, *_]] = rows(connection, f"SHOW CREATE TABLE {sql_name(schema, table)}")
    return str(text)


def _column_definitions(
    connection: SourceConnection, schema: str, table: str, json_columns: frozenset[str]
) -> Iterator[ColumnDefinition]:
    found = rows(
        connection,
        "SELECT column_name, column_type, column_comment FROM information_schema.columns"
        " WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position",
        schema,
        table,
    )
    generated = generated_columns(connection, schema, table)
    for name, declared, comment in found:
        yield ColumnDefinition(
            str(name),
            str(declared),
            str(comment),
            json=str(name) in json_columns,
            generated=generated.get(str(name), ""),
        )


def _table_comment(connection: SourceConnection, schema: str, table: str) -> str:
    [[comment]] = rows(
        connection,
        "SELECT table_comment FROM information_schema.tables"
        " WHERE table_schema = %s AND table_name = %s",
        schema,
        table,
    )
    return str(comment)


def _json_columns(text: str) -> frozenset[str]:
    return frozenset(_unquoted(match["name"]) for match in _JSON_CHECK.finditer(text))


def _foreign_keys(text: str, schema: str) -> Iterator[ForeignKey]:
    for match in _FOREIGN_KEY.finditer(text):
        yield ForeignKey(
            columns=_names(match["columns"]),
            schema=_unquoted(match["schema"]) if match["schema"] else schema,
            table=_unquoted(match["table"]),
            referenced_columns=_names(match["referenced"]),
        )


def _names(text: str) -> tuple[str, ...]:
    return tuple(map(_unquoted, re.findall(_NAME, text)))


def _unquoted(name: str) -> str:
    return name[1:-1].replace("``", "`")
