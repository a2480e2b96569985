"""A table's columns from information_schema, as its next table map will describe them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from pymysql.cursors import DictCursor

from cdc.errors import Unfit
from cdc.model.table_definition import ColumnDefinition, ForeignKey, TableDefinition
from cdc.model.table_map import Column, FieldType, TableMap
from cdc.model.table_name import full_name, sql_name
from cdc.readers.server.connection import SourceConnection, is_mariadb

BINARY_COLLATION: Final = 63

_TYPES: Final = {
    "tinyint": FieldType.TINY,
    "smallint": FieldType.SHORT,
    "mediumint": FieldType.INT24,
    "int": FieldType.LONG,
    "bigint": FieldType.LONGLONG,
    "float": FieldType.FLOAT,
    "double": FieldType.DOUBLE,
    "decimal": FieldType.NEWDECIMAL,
    "bit": FieldType.BIT,
    "year": FieldType.YEAR,
    "date": FieldType.DATE,
    "time": FieldType.TIME2,
    "datetime": FieldType.DATETIME2,
    "timestamp": FieldType.TIMESTAMP2,
    "char": FieldType.STRING,
    "binary": FieldType.STRING,
    "uuid": FieldType.STRING,
    "inet4": FieldType.STRING,
    "inet6": FieldType.STRING,
    "varchar": FieldType.VARCHAR,
    "varbinary": FieldType.VARCHAR,
    "tinytext": FieldType.BLOB,
    "text": FieldType.BLOB,
    "mediumtext": FieldType.BLOB,
    "longtext": FieldType.BLOB,
    "tinyblob": FieldType.BLOB,
    "blob": FieldType.BLOB,
    "mediumblob": FieldType.BLOB,
    "longblob": FieldType.BLOB,
    "json": FieldType.JSON,
    "enum": FieldType.ENUM,
    "set": FieldType.SET,
    "vector": FieldType.VECTOR,
    "geometry": FieldType.GEOMETRY,
    "point": FieldType.GEOMETRY,
    "linestring": FieldType.GEOMETRY,
    "polygon": FieldType.GEOMETRY,
    "multipoint": FieldType.GEOMETRY,
    "multilinestring": FieldType.GEOMETRY,
    "multipolygon": FieldType.GEOMETRY,
    "geomcollection": FieldType.GEOMETRY,
    "geometrycollection": FieldType.GEOMETRY,
}
_GEOMETRIES: Final = {
    "geometry": 0,
    "point": 1,
    "linestring": 2,
    "polygon": 3,
    "multipoint": 4,
    "multilinestring": 5,
    "multipolygon": 6,
    "geomcollection": 7,
    "geometrycollection": 7,
}
_LENGTH_BYTES: Final = {"tiny": 1, "medium": 3, "long": 4}
_FIXED_LENGTH: Final = {"uuid": 16, "inet4": 4, "inet6": 16}
_TEXTUAL: Final = frozenset({FieldType.STRING, FieldType.VARCHAR, FieldType.BLOB})
_NUMERIC: Final = frozenset(
    {
        FieldType.TINY,
        FieldType.SHORT,
        FieldType.INT24,
        FieldType.LONG,
        FieldType.LONGLONG,
        FieldType.FLOAT,
        FieldType.DOUBLE,
        FieldType.NEWDECIMAL,
    }
)
_ENUMERATED: Final = frozenset({FieldType.ENUM, FieldType.SET})

_Indexes = dict[str, list[dict[str, Any]]]

_MEMBER: Final = re.compile(r"(x?)'((?:[^'\\]|''|\\.)*)'", re.DOTALL)
_ESCAPED: Final = re.compile(r"''|\\(.)", re.DOTALL)
_ESCAPES: Final = {"0": "\0", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a"}


def describe_table(connection: SourceConnection, schema: str, table: str) -> TableMap | None:
    """Return the table's next table map; None for a table that the account cannot see.

    Raises Unfit for an unknown column type.
    """
    rows = _columns(connection, schema, table)
    if not rows:
        return None
    mariadb = is_mariadb(connection)
    collations = _collations(connection, mariadb=mariadb)
    columns = [
        _column(row, collations, table=full_name(schema, table), mariadb=mariadb) for row in rows
    ]
    names = [column.name for column in columns]
    indexes = _indexes(connection, schema, table)
    key = _primary_key(indexes)
    return TableMap(
        schema=schema,
        table=table,
        columns=tuple(columns),
        primary_key=tuple(names.index(name) for name, _ in key),
        key_prefixes=tuple(prefix for _, prefix in key),
        mariadb=mariadb,
        unique_keys=tuple(_unique_keys(indexes)),
    )


def quoted(*names: str) -> str:
    """Quote a name, or a dotted one, for a statement."""
    return sql_name(*names)


def _columns(connection: SourceConnection, schema: str, table: str) -> Sequence[dict[str, Any]]:
    return _ask(
        connection,
        "SELECT column_name AS name, data_type AS type, column_type AS full_type,"
        " is_nullable AS nullable, character_octet_length AS octets,"
        " numeric_precision AS digits, numeric_scale AS scale,"
        " datetime_precision AS fraction, collation_name AS collation_name, extra AS extra"
        " FROM information_schema.columns WHERE table_schema = %s AND table_name = %s"
        " ORDER BY ordinal_position",
        schema,
        table,
    )


def _indexes(connection: SourceConnection, schema: str, table: str) -> _Indexes:
    """Return the parts of each index, in the order in which the server considers them."""
    indexes: _Indexes = {}
    for row in _ask(connection, f"SHOW INDEX FROM {quoted(schema, table)}"):
        indexes.setdefault(str(row["Key_name"]), []).append(row)
    return indexes


def _primary_key(indexes: _Indexes) -> list[tuple[str, int]]:
    """Return the primary key's columns and prefixes.

    Without one the server takes the first unique key that is NOT NULL and has no prefixes, and
    calls it the primary key in the binlog. SHOW INDEX lists the keys in the server's order.
    """
    for name, rows in indexes.items():
        if name == "PRIMARY" or all(_identifies(row) for row in rows):
            return [(str(row["Column_name"]), int(row["Sub_part"] or 0)) for row in rows]
    return []


def _unique_keys(indexes: _Indexes) -> Iterator[tuple[str, ...]]:
    """Yield the columns of each key that identifies every row."""
    for rows in indexes.values():
        if all(_identifies(row) for row in rows):
            yield tuple(str(row["Column_name"]) for row in rows)


def _identifies(row: dict[str, Any]) -> bool:
    return (
        not row["Non_unique"]
        and row["Null"] != "YES"
        and row["Sub_part"] is None
        and row["Column_name"] is not None
    )


def _collations(connection: SourceConnection, *, mariadb: bool) -> dict[str, int]:
    """Return the id of every collation; MariaDB's newer ones have one per charset."""
    rows = _ask(
        connection, "SELECT collation_name AS name, id AS id FROM information_schema.collations"
    )
    found = {str(row["name"]): int(row["id"]) for row in rows if row["id"] is not None}
    if mariadb and _applicability_has_ids(connection):
        rows = _ask(
            connection,
            "SELECT full_collation_name AS name, id AS id"
            " FROM information_schema.collation_character_set_applicability",
        )
        found |= {str(row["name"]): int(row["id"]) for row in rows}
    return found


def _applicability_has_ids(connection: SourceConnection) -> bool:
    return bool(
        _ask(
            connection,
            "SELECT 1 AS one FROM information_schema.columns"
            " WHERE table_schema = 'information_schema' AND column_name = 'FULL_COLLATION_NAME'"
            " AND table_name = 'COLLATION_CHARACTER_SET_APPLICABILITY'",
        )
    )


def _column(
    row: dict[str, Any], collations: dict[str, int], *, table: str, mariadb: bool
) -> Column:
    type_name, full_type = str(row["type"]).lower(), str(row["full_type"])
    if type_name not in _TYPES:
        raise Unfit(
            f"column {row['name']} has the type {type_name}, which cdc does not know",
            table=table,
            remedy="leave the table out of the mappings",
        )
    # MariaDB logs a VECTOR as the VARBINARY that it is there
    kind = FieldType.VARCHAR if mariadb and type_name == "vector" else _TYPES[type_name]
    collation = _collation(row, kind, collations)
    return Column(
        name=str(row["name"]),
        type=kind,
        nullable=row["nullable"] == "YES",
        unsigned=kind is FieldType.YEAR or (kind in _NUMERIC and " unsigned" in full_type),
        length=_length(row, kind, type_name),
        length_bytes=_length_bytes(row, kind, type_name),
        precision=int(row["digits"]) if kind is FieldType.NEWDECIMAL else 0,
        scale=int((row["scale"] if kind is FieldType.NEWDECIMAL else row["fraction"]) or 0),
        bits=int(row["digits"]) if kind is FieldType.BIT else 0,
        collation=collation,
        members=_text_members(full_type, collation) if kind in _ENUMERATED else (),
        geometry=_GEOMETRIES.get(type_name),
        dimension=_dimension(full_type) if kind is FieldType.VECTOR else None,
        visible=mariadb or "INVISIBLE" not in str(row["extra"]).upper(),
    )


def _length(row: dict[str, Any], kind: FieldType, type_name: str) -> int:
    if kind in (FieldType.STRING, FieldType.VARCHAR):
        return int(_FIXED_LENGTH.get(type_name) or row["octets"])
    if kind is FieldType.ENUM:
        return 1 if len(_members(str(row["full_type"]))) < 256 else 2
    if kind is FieldType.SET:
        size = (len(_members(str(row["full_type"]))) + 7) // 8
        return 8 if size > 4 else size
    return 0


def _length_bytes(row: dict[str, Any], kind: FieldType, type_name: str) -> int:
    if kind in (FieldType.STRING, FieldType.VARCHAR):
        return 2 if _length(row, kind, type_name) > 255 else 1
    if kind is FieldType.BLOB:
        return next((size for word, size in _LENGTH_BYTES.items() if type_name.startswith(word)), 2)
    if kind in (FieldType.JSON, FieldType.GEOMETRY, FieldType.VECTOR):
        return 4
    return 0


def _collation(row: dict[str, Any], kind: FieldType, collations: dict[str, int]) -> int | None:
    if kind not in _TEXTUAL | _ENUMERATED:
        return None
    name = row["collation_name"]
    return collations[str(name)] if name else BINARY_COLLATION


def _text_members(full_type: str, collation: int | None) -> tuple[str | None, ...]:
    """Read the members as a table map does: those of a binary column are ASCII, or None."""
    members = _members(full_type)
    if collation != BINARY_COLLATION:
        return members
    return tuple(None if one is None or not one.isascii() else one for one in members)


def _members(full_type: str) -> tuple[str | None, ...]:
    """Read `enum('a','b''c')`; the server escapes as in `append_unescaped` of `sql/sql_show.cc`.

    MySQL writes bytes that are no text in the column's charset as `x'ff'`: None.
    """
    return tuple(
        None if bare else _ESCAPED.sub(_unescaped, text)
        for bare, text in _MEMBER.findall(full_type)
    )


def _unescaped(match: re.Match[str]) -> str:
    return "'" if match[1] is None else _ESCAPES.get(match[1], match[1])


def _dimension(full_type: str) -> int:
    return int(full_type.partition("(")[2].rstrip(")"))


def _ask(connection: SourceConnection, statement: str, *values: object) -> Sequence[dict[str, Any]]:
    with connection.cursor(DictCursor) as cursor:
        cursor.execute(statement, values or None)
        rows: Sequence[dict[str, Any]] = cursor.fetchall()
        return rows


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


def _column_definitions(
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
