"""A table's definition: declared types, comments and foreign keys."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from cdc.definitions import ColumnDefinition, ForeignKey, TableDefinition
from cdc.readers.schema import describe_table, quoted
from cdc.readers.source import SourceConnection

_NAME: Final = r"`(?:[^`]|``)+`"
# The lines that SHOW CREATE TABLE writes, in MySQL's and MariaDB's sql/sql_show.cc.
_FOREIGN_KEY: Final = re.compile(
    rf"^  CONSTRAINT {_NAME} FOREIGN KEY \((?P<columns>{_NAME}(?:, ?{_NAME})*)\)"
    rf" REFERENCES (?:(?P<schema>{_NAME})\.)?(?P<table>{_NAME})"
    rf" \((?P<referenced>{_NAME}(?:, ?{_NAME})*)\)",
    re.MULTILINE,
)
# MariaDB's JSON is LONGTEXT with this check, which it adds by itself.
_JSON_CHECK: Final = re.compile(
    rf"^  (?P<name>{_NAME}) longtext .*CHECK \(json_valid\((?P=name)\)\)",
    re.MULTILINE | re.IGNORECASE,
)


def define_table(connection: SourceConnection, schema: str, table: str) -> TableDefinition | None:
    """Ask for a table's definition; None for one that the account cannot see.

    Foreign keys are read from SHOW CREATE TABLE: MariaDB shows those of information_schema only
    to accounts that may do more than SELECT.
    """
    table_map = describe_table(connection, schema, table)
    if table_map is None:
        return None
    text = _created(connection, schema, table)
    return TableDefinition(
        table_map=table_map,
        columns=tuple(_columns(connection, schema, table, _json_columns(text))),
        foreign_keys=tuple(_foreign_keys(text, schema)),
        comment=_table_comment(connection, schema, table),
    )


def generated_columns(connection: SourceConnection, schema: str, table: str) -> dict[str, str]:
    """Ask for the columns that the server computes, with their expressions."""
    rows = _rows(
        connection,
        "SELECT column_name, generation_expression FROM information_schema.columns"
        " WHERE table_schema = %s AND table_name = %s AND generation_expression <> ''",
        schema,
        table,
    )
    return {str(name): str(expression) for name, expression in rows}


def _created(connection: SourceConnection, schema: str, table: str) -> str:
    [[_, text, *_]] = _rows(connection, f"SHOW CREATE TABLE {quoted(schema, table)}")
    return str(text)


def _columns(
    connection: SourceConnection, schema: str, table: str, json_columns: frozenset[str]
) -> Iterator[ColumnDefinition]:
    rows = _rows(
        connection,
        "SELECT column_name, column_type, column_comment FROM information_schema.columns"
        " WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position",
        schema,
        table,
    )
    generated = generated_columns(connection, schema, table)
    for name, declared, comment in rows:
        yield ColumnDefinition(
            str(name),
            str(declared),
            str(comment),
            json=str(name) in json_columns,
            generated=generated.get(str(name), ""),
        )


def _table_comment(connection: SourceConnection, schema: str, table: str) -> str:
    [[comment]] = _rows(
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


def _rows(connection: SourceConnection, statement: str, *values: object) -> Sequence[Sequence[Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall()
