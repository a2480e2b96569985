"""A table's columns from information_schema, as its next table map will describe them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from cdc.errors import Unfit
from cdc.model.table_map import BINARY_COLLATION, NUMERIC, Column, FieldType, TableMap
from cdc.model.table_name import full_name, sql_name
from cdc.readers.server.connection import SourceConnection, is_mariadb
from cdc.readers.server.queries import records

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
    if connection.collations is None:  # some 300 rows, which thousands of tables share
        connection.collations = _collations(connection, mariadb=mariadb)
    collations = connection.collations
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


def _columns(connection: SourceConnection, schema: str, table: str) -> Sequence[dict[str, Any]]:
    return records(
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
    for row in records(connection, f"SHOW INDEX FROM {sql_name(schema, table)}"):
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
    rows = records(
        connection, "SELECT collation_name AS name, id AS id FROM information_schema.collations"
    )
    found = {str(row["name"]): int(row["id"]) for row in rows if row["id"] is not None}
    if mariadb and _applicability_has_ids(connection):
        rows = records(
            connection,
            "SELECT full_collation_name AS name, id AS id"
            " FROM information_schema.collation_character_set_applicability",
        )
        found |= {str(row["name"]): int(row["id"]) for row in rows}
    return found


def _applicability_has_ids(connection: SourceConnection) -> bool:
    return bool(
        records(
            connection,
            "SELECT 1 AS one FROM information_schema.columns"
            " WHERE table_schema = 'information_schema' AND column_name = 'FULL_COLLATION_NAME'"
            " AND table_name = 'COLLATION_CHARACTER_SET_APPLICABILITY'",
        )
    )


def _column(
    row: dict[str, Any], collations: Mapping[str, int], *, table: str, mariadb: bool
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
        unsigned=kind is FieldType.YEAR or (kind in NUMERIC and " unsigned" in full_type),
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


def _collation(row: dict[str, Any], kind: FieldType, collations: Mapping[str, int]) -> int | None:
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
