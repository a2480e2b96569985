"""A table's columns as one event describes them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from cdc.model.table_name import full_name


class FieldType(IntEnum):
    """The protocol's column types, as `enum_field_types` in MySQL's `field_types.h` numbers them.

    ENUM and SET appear as themselves, never as the STRING that the table map wraps them in.
    """

    DECIMAL = 0  # before MySQL 5.0
    TINY = 1
    SHORT = 2
    LONG = 3
    FLOAT = 4
    DOUBLE = 5
    NULL = 6
    TIMESTAMP = 7  # before fractional seconds
    LONGLONG = 8
    INT24 = 9
    DATE = 10
    TIME = 11  # before fractional seconds
    DATETIME = 12  # before fractional seconds
    YEAR = 13
    VARCHAR = 15
    BIT = 16
    TIMESTAMP2 = 17
    DATETIME2 = 18
    TIME2 = 19
    MARIADB_BLOB_COMPRESSED = 140
    MARIADB_VARCHAR_COMPRESSED = 141
    VECTOR = 242
    JSON = 245
    NEWDECIMAL = 246
    ENUM = 247
    SET = 248
    BLOB = 252
    STRING = 254
    GEOMETRY = 255


_SQL_NAMES: Final = {
    FieldType.TINY: "TINYINT",
    FieldType.SHORT: "SMALLINT",
    FieldType.INT24: "MEDIUMINT",
    FieldType.LONG: "INT",
    FieldType.LONGLONG: "BIGINT",
    FieldType.NEWDECIMAL: "DECIMAL",
    FieldType.DATETIME2: "DATETIME",
    FieldType.TIMESTAMP2: "TIMESTAMP",
    FieldType.TIME2: "TIME",
    FieldType.STRING: "CHAR",
    FieldType.MARIADB_BLOB_COMPRESSED: "compressed BLOB",
    FieldType.MARIADB_VARCHAR_COMPRESSED: "compressed VARCHAR",
}
BINARY_COLLATION: Final = 63
"""That of bytes: such a text column is binary."""
NUMERIC: Final = frozenset(
    {
        FieldType.TINY,
        FieldType.SHORT,
        FieldType.INT24,
        FieldType.LONG,
        FieldType.LONGLONG,
        FieldType.NEWDECIMAL,
        FieldType.FLOAT,
        FieldType.DOUBLE,
    }
)
"""Types that may be UNSIGNED; a YEAR always is."""
_BINARY_NAMES: Final = {FieldType.STRING: "BINARY", FieldType.VARCHAR: "VARBINARY"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column; attributes that its type does not have keep their defaults.

    `length` is the largest value in bytes (CHAR, VARCHAR, BINARY, VARBINARY) or, for ENUM and SET,
    the bytes that a value takes; `length_bytes` the size of the length prefix (BLOB, JSON,
    GEOMETRY, VECTOR families: 1 to 4). `scale` is the digits after the point (DECIMAL) or of the
    seconds (TIME, DATETIME, TIMESTAMP). `collation` is the server's collation id, 63 for binary,
    None for types without one. `members` are those of ENUM and SET, decoded, None for one that is
    no text. `spelled`: an ENUM or SET is the text that SELECT prints, not the number of the binlog;
    `json_text`: the same of a JSON value. `hidden`: it is the server's own, and no statement can
    name it.
    """

    name: str
    type: FieldType
    nullable: bool = True
    unsigned: bool = False
    length: int = 0
    length_bytes: int = 0
    precision: int = 0
    scale: int = 0
    bits: int = 0
    collation: int | None = None
    members: tuple[str | None, ...] = ()
    geometry: int | None = None
    dimension: int | None = None
    visible: bool = True
    spelled: bool = False
    json_text: bool = False
    hidden: bool = False

    @property
    def sql_type(self) -> str:
        """The type as SQL names it; TEXT for all of its sizes, and BLOB for all of theirs."""
        if self.type is FieldType.BLOB:
            return "BLOB" if self.collation in (None, BINARY_COLLATION) else "TEXT"
        if self.collation == BINARY_COLLATION and self.type in _BINARY_NAMES:
            return _BINARY_NAMES[self.type]
        return _SQL_NAMES.get(self.type, self.type.name)

    @property
    def declaration(self) -> str:
        """Its name and its type, as CREATE TABLE begins to declare it."""
        return f"{self.name} {self.sql_type}{' UNSIGNED' * self.unsigned}"


@dataclass(frozen=True, slots=True, eq=False)
class TableMap:
    """A table as of one event: its columns in binlog order and its primary key.

    `primary_key` holds column indexes in the key's order; empty without a primary key.
    `key_prefixes` holds, for each of them, the key part's length in characters, 0 for the whole
    column. `mariadb`: a MariaDB wrote it; the families share type numbers but not all their
    meanings. `unique_keys` are the columns of each key whose columns are all NOT NULL and whole,
    the primary key's too; None if that is unknown, as in the binlog. Compared by identity: a reader
    returns one object per definition, so that plans can be looked up by it at no cost.
    """

    schema: str
    table: str
    columns: tuple[Column, ...]
    primary_key: tuple[int, ...] = ()
    key_prefixes: tuple[int, ...] = ()
    mariadb: bool = False
    unique_keys: tuple[tuple[str, ...], ...] | None = None

    @property
    def name(self) -> str:
        """`schema.table`."""
        return full_name(self.schema, self.table)
