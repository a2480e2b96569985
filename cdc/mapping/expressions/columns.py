"""The kind that a column's values have in an expression."""

from __future__ import annotations

from cdc.mapping.expressions import collations
from cdc.mapping.expressions.errors import ExpressionError
from cdc.mapping.expressions.kinds import (
    Binary,
    Bits,
    Date,
    DateTime,
    Decimal,
    Double,
    Integer,
    Json,
    Kind,
    Single,
    Strength,
    Text,
    Time,
    Year,
)
from cdc.mapping.types import charsets
from cdc.model.table_map import BINARY_COLLATION, Column, FieldType

INTEGER_DIGITS = {
    FieldType.TINY: 3,
    FieldType.SHORT: 5,
    FieldType.INT24: 8,
    FieldType.LONG: 10,
    FieldType.LONGLONG: 19,
}
MAX_BITS = 64
CHARACTERS = frozenset(
    {FieldType.STRING, FieldType.VARCHAR, FieldType.BLOB, FieldType.ENUM, FieldType.SET}
)


def kind(column: Column, *, mariadb: bool) -> Kind:
    """Return the column's kind; raises ExpressionError for one that expressions cannot use."""
    match column.type:
        case found if found in INTEGER_DIGITS:
            return _integer(column)
        case FieldType.NEWDECIMAL:
            return Decimal(column.precision, column.scale)
        case FieldType.FLOAT:
            return Single()
        case FieldType.DOUBLE:
            return Double()
        case FieldType.YEAR:
            return Year()
        case FieldType.BIT if mariadb and column.bits == MAX_BITS:
            raise ExpressionError(
                f"column `{column.name}`: a BIT(64) cannot be used in an expression, since MariaDB"
                " takes it for a signed number at times"
            )
        case FieldType.BIT:
            return Bits()
        case FieldType.DATE:
            return Date()
        case FieldType.DATETIME2 | FieldType.TIMESTAMP2:
            return DateTime(column.scale)
        case FieldType.TIME2:
            return Time(column.scale)
        case FieldType.JSON:
            return Json(json_collation())
        case found if found in CHARACTERS:
            return _characters(column, mariadb=mariadb)
    raise ExpressionError(
        f"column `{column.name}`: a {column.sql_type} cannot be used in an expression"
    )


def json_collation() -> collations.Collation:
    """Return the collation of MySQL's JSON."""
    found = collations.named("utf8mb4_bin")
    assert found is not None
    return found


def _integer(column: Column) -> Integer:
    digits = INTEGER_DIGITS[column.type]
    unsigned = column.unsigned
    wide = column.type is FieldType.LONGLONG or (unsigned and column.type is FieldType.LONG)
    extra = unsigned and column.type is FieldType.LONGLONG
    return Integer(unsigned, 64 if wide else 32, digits + extra)


def _characters(column: Column, *, mariadb: bool) -> Text | Binary:
    if column.collation is None:
        raise ExpressionError(f"column `{column.name}`: its collation is not known")
    numbered = column.type in (FieldType.ENUM, FieldType.SET)
    if column.collation == BINARY_COLLATION:
        if numbered:
            raise ExpressionError(
                f"column `{column.name}`: the members of an ENUM or SET of charset binary cannot"
                " be used in an expression; give it a charset of characters"
            )
        return Binary()
    collation = collations.covered(column.collation, mariadb=mariadb)
    if collation is None:
        charset = charsets.charset(column.collation)
        collation = collations.uncovered(column.collation, charset or "unknown")
    return Text(collation, Strength.COLUMN, numbered=numbered)
