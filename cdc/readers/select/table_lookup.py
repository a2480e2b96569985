"""Looks up a table before it is read by SELECT: its columns, its keys, its size."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pymysql.constants import ER

from cdc.errors import CdcError, Unfit
from cdc.model.table_map import Column, FieldType, TableMap
from cdc.model.table_name import full_name, sql_name
from cdc.readers.select.keys import Characters, KeyColumn, key_column
from cdc.readers.select.native_images import row_images
from cdc.readers.select.row_images import RowImages
from cdc.readers.select.select_table import SelectTable, TableKey
from cdc.readers.select.watermarks import server_code
from cdc.readers.select.wire_values import wire_column
from cdc.readers.server.connection import SourceConnection, is_mariadb
from cdc.readers.server.facts import server_version
from cdc.readers.server.queries import rows
from cdc.readers.server.table_description import describe_table

_NO_CHUNKS: Final = "the table cannot be read in chunks: "
_AUTO_INCREMENT: Final = re.compile(r" AUTO_INCREMENT=\d+")


def describe(connection: SourceConnection, schema: str, table: str) -> SelectTable:
    """Look up a table, with its primary key if that serves; raises Unfit if no key does."""
    name = full_name(schema, table)
    seen = _is_table(connection, schema, table) and definition(connection, schema, table)
    found = describe_table(connection, schema, table) if seen else None
    if not seen or found is None:
        raise Unfit(
            "the table is not there, or the account may not see it",
            table=name,
            remedy="see what is lacking, and the statement that grants it: cdc check",
        )
    details = _details(connection, schema, table)
    indexes = _unique_keys(connection, found)
    in_keys = {part.column for _, parts in indexes for part in parts}
    map_ = replace(
        found,
        columns=tuple(
            _selected(column, found, details[column.name].characters, in_key=column.name in in_keys)
            for column in found.columns
        ),
    )
    _require_members(map_, details)
    keys = _keys(map_, details, indexes)
    wire_columns = tuple(wire_column(column, details[column.name].type) for column in map_.columns)
    estimate, size = _estimate(connection, schema, table)
    return SelectTable(
        map=map_,
        by=keys[0],
        keys=keys,
        rows_estimate=estimate,
        bytes_a_row=size,
        definition=seen,
        images=RowImages(map_, wire_columns),
        images_at_once=row_images(wire_columns),
        wire_columns=wire_columns,
    )


def unread(connection: SourceConnection, schema: str, table: str) -> str:
    """Return why a table cannot be read as a whole; empty if it can."""
    try:
        describe(connection, schema, table)
    except Unfit as error:
        return error.message.removeprefix(_NO_CHUNKS)
    return ""


def _is_table(connection: SourceConnection, schema: str, table: str) -> bool:
    """Return whether the name is that of a table, not of a view or sequence."""
    found = rows(
        connection,
        "SELECT 1 FROM information_schema.tables"
        " WHERE table_schema = %s AND table_name = %s AND table_type = 'BASE TABLE'",
        schema,
        table,
    )
    return bool(found)


def definition(connection: SourceConnection, schema: str, table: str) -> str | None:
    """Return the statement that would create the table as it is; None if it is not there.

    Queried behind each chunk, so it is one statement.
    """
    try:
        [(_, statement, *_)] = rows(connection, f"SHOW CREATE TABLE {sql_name(schema, table)}")
    except CdcError as error:
        if server_code(error) in _NOT_THERE:
            return None
        raise
    return _AUTO_INCREMENT.sub("", str(statement), count=1)


_NOT_THERE: Final = frozenset({ER.NO_SUCH_TABLE, ER.BAD_DB_ERROR})

_WIDE: Final = frozenset({"utf8mb4", "utf16", "utf16le", "utf32"})
"""Charsets with characters that information_schema, in utf8mb3, shows as question marks."""


def _require_members(table: TableMap, details: Mapping[str, _Details]) -> None:
    """Raise Unfit if a key's ENUM or SET may have members that are not shown as they are."""
    for column in table.columns:
        characters = details[column.name].characters
        hidden = any("?" in (one or "?") for one in column.members)
        if characters and characters.charset in _WIDE and hidden and not column.spelled:
            raise Unfit(
                f"the members of the key's column {column.name} are not certain:"
                " information_schema shows characters beyond U+FFFF as question marks",
                table=table.name,
                remedy="leave such characters, and question marks, out of its members",
            )


def _selected(
    column: Column, table: TableMap, characters: Characters | None, *, in_key: bool
) -> Column:
    if column.type is FieldType.JSON and not table.mariadb:
        return replace(column, json_text=True)
    if not in_key and _may_hide_members(column, table, characters):
        return replace(column, spelled=True)
    return column


def _may_hide_members(column: Column, table: TableMap, characters: Characters | None) -> bool:
    """Return whether an ENUM or SET may have members that information_schema does not show.

    It writes utf8mb3: characters beyond that, and bytes that are no text, become a question mark,
    or on MySQL nothing.
    """
    if not column.members:
        return False
    wide = characters is not None and characters.charset in _WIDE
    return (wide and not table.mariadb) or any("?" in (one or "?") for one in column.members)


@dataclass(frozen=True, slots=True)
class _Details:
    """The facts of a column that a table map lacks."""

    type: str
    characters: Characters | None


def _details(connection: SourceConnection, schema: str, table: str) -> dict[str, _Details]:
    found = rows(
        connection,
        "SELECT column_name, data_type, character_set_name, collation_name"
        " FROM information_schema.columns WHERE table_schema = %s AND table_name = %s",
        schema,
        table,
    )
    return {
        str(name): _Details(
            str(type_).lower(), Characters(str(charset), str(collation)) if charset else None
        )
        for name, type_, charset, collation in found
    }


def _key_column(column: Column, details: Mapping[str, _Details]) -> KeyColumn:
    found = key_column(column, details[column.name].type, details[column.name].characters)
    assert found is not None, column
    return found


def _keys(
    table: TableMap,
    details: Mapping[str, _Details],
    indexes: Sequence[tuple[str, Sequence[_KeyPart]]],
) -> tuple[TableKey, ...]:
    """Return the keys that rows can be read by, the primary key first; raises Unfit without any."""
    number = {column.name: at for at, column in enumerate(table.columns)}
    why = "it has no primary key, and no unique key that is NOT NULL"
    found = []
    for name, parts in indexes:
        obstacle = _obstacle(table, details, parts, number)
        if obstacle is None:
            at = tuple(number[part.column] for part in parts)
            columns = tuple(_key_column(table.columns[each], details) for each in at)
            order = ", ".join(_order(part.column, details) for part in parts)
            found.append(TableKey(name, order, columns, at))
        elif not found:
            why = obstacle
    if not found:
        raise Unfit(
            f"{_NO_CHUNKS}{why}",
            table=table.name,
            remedy="give it a primary key of columns that have an exact order",
        )
    return tuple(found)


def _order(column: str, details: Mapping[str, _Details]) -> str:
    characters = details[column].characters
    return f"{column} {characters.collation}" if characters else column


@dataclass(frozen=True, slots=True)
class _KeyPart:
    column: str
    whole: bool
    nullable: bool


def _unique_keys(connection: SourceConnection, table: TableMap) -> list[tuple[str, list[_KeyPart]]]:
    """Return the unique keys, the primary key first."""
    keys: dict[str, list[_KeyPart]] = {}
    for row in rows(
        connection,
        "SELECT index_name, column_name, sub_part, nullable FROM information_schema.statistics"
        " WHERE table_schema = %s AND table_name = %s AND non_unique = 0 AND index_type = 'BTREE'"
        f"{in_use(connection)} ORDER BY index_name <> 'PRIMARY', index_name, seq_in_index",
        table.schema,
        table.table,
    ):
        name, column, sub_part, nullable = row
        part = _KeyPart(str(column), sub_part is None and column is not None, nullable == "YES")
        keys.setdefault(str(name), []).append(part)
    return list(keys.items())


def in_use(connection: SourceConnection) -> str:
    """Return the condition for indexes that a SELECT may use."""
    if not is_mariadb(connection):
        return " AND is_visible = 'YES'"
    return " AND ignored = 'NO'" if server_version(connection) >= (10, 6) else ""


def _obstacle(
    table: TableMap,
    details: Mapping[str, _Details],
    parts: Sequence[_KeyPart],
    number: Mapping[str, int],
) -> str | None:
    """Return why a key does not serve."""
    for part in parts:
        if not part.whole:
            return f"the key holds a prefix of a column, not all of it: {part.column}"
        if part.nullable:
            return f"column {part.column} of the unique key may be NULL"
        column = table.columns[number[part.column]]
        detail = details[column.name]
        if key_column(column, detail.type, detail.characters) is None:
            return f"column {column.name} of the key is a {detail.type}, which has no exact order"
    return None


def _estimate(connection: SourceConnection, schema: str, table: str) -> tuple[int, int]:
    """Return the server's estimates of the row count and of the bytes per row."""
    [(count, size)] = rows(
        connection,
        "SELECT table_rows, avg_row_length FROM information_schema.tables"
        " WHERE table_schema = %s AND table_name = %s",
        schema,
        table,
    )
    return int(count or 0), int(size or 0)
