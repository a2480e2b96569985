"""The values of a key: read from a row, written into a statement, recovered from an id.

A value is text as a human writes it (`"42"`, `"2024-05-06 07:08:09"`), or, for characters and
binary strings, the column's own bytes. ENUM, SET and BIT are numbers. So a key can be stored
anywhere, and compares in a statement as the column itself does.
"""

from __future__ import annotations

import re
import struct
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from bson.errors import InvalidBSON

from cdc.errors import UsageError
from cdc.mapping.types.registry import INTEGER_BYTES
from cdc.mapping.types.temporal import CYCLE_DAYS, CYCLE_YEARS, DAY_MILLISECONDS
from cdc.model.table_map import BINARY_COLLATION, Column, FieldType
from cdc.model.table_name import sql_name
from cdc.readers.select.wire_values import TYPED_TEXT

Value = str | bytes
Key = tuple[Value, ...]
"""The values of a key's columns, in the key's order."""

_NUMBER: Final = re.compile(r"-?\d+")
_DECIMAL: Final = re.compile(r"-?\d{1,65}(\.\d{1,65})?")
_DAY: Final = r"\d{4}-(0\d|1[0-2])-([0-2]\d|3[01])"
_CLOCK: Final = r"[0-5]\d(:[0-5]\d(\.\d{1,6})?)?"
_DATETIME: Final = re.compile(rf"{_DAY}([ T]([01]\d|2[0-3]):{_CLOCK})?")
_TIME: Final = re.compile(rf"-?\d{{1,3}}:{_CLOCK}")
_DATE_LENGTH: Final = len("2024-05-06")
_HEX: Final = re.compile(r"0x([0-9a-fA-F]{2})+")
_BEYOND: Final = 1 << 64
"""No integer of a column is as large."""
_TYPED: Final = re.compile(r"[0-9a-fA-F:.-]+")


@dataclass(frozen=True, slots=True)
class KeyColumn:
    """One column of a key.

    `read` converts the bytes that arrive, `literal` returns the SQL of a value, and `find` the
    value that became a BSON value, None if there can be none. `write` converts an operator's text.
    `members` are an ENUM's: servers use no index for the order of their numbers, so the numbers are
    listed.
    """

    name: str
    read: Callable[[bytes], Value] = field(repr=False)
    literal: Callable[[Value], str] = field(repr=False)
    find: Callable[[Any], Value | None] = field(repr=False)
    members: int = field(default=0, repr=False)
    write: Callable[[str], Value | None] = field(default=str, repr=False)

    @property
    def sql(self) -> str:
        """The column in a statement."""
        return sql_name(self.name)

    def compared(self, operator: str, value: Value) -> str:
        """Return the comparison of the column with `value`."""
        try:
            literal = self.literal(value)
            if self.members and operator != "=":
                return self._listed(operator, int(literal))
            return f"{self.sql} {operator} {literal}"
        except ValueError as error:
            raise UsageError(f"{value!r} is no value of the key column {self.name}") from error

    def _listed(self, operator: str, number: int) -> str:
        edge = number + (operator in (">", "<="))
        numbers = range(edge) if operator in ("<", "<=") else range(edge, self.members + 1)
        return f"{self.sql} IN ({', '.join(map(str, numbers))})" if numbers else "FALSE"


@dataclass(frozen=True, slots=True)
class Characters:
    """The charset and collation of a text column."""

    charset: str
    collation: str


def key_column(
    column: Column, type_name: str, characters: Characters | None = None
) -> KeyColumn | None:
    """Return the column as part of a key; None for a type that has no exact order.

    `type_name` is information_schema's `data_type`, `characters` a text column's.
    """
    name = column.name
    match column.type:
        case kind if kind in INTEGER_BYTES:
            read = _unsigned if column.unsigned else _signed
            return KeyColumn(name, read, _checked(_NUMBER), _number)
        case FieldType.YEAR:
            return KeyColumn(name, _unsigned, _checked(_NUMBER), _number)
        case FieldType.BIT:
            return KeyColumn(name, _big_endian, _checked(_NUMBER), _number)
        case FieldType.ENUM:
            members = len(column.members)
            find = _member(column)
            return KeyColumn(name, _unsigned, _checked(_NUMBER), find, members, write=find)
        case FieldType.SET:
            find = _member(column)
            return KeyColumn(name, _unsigned, _checked(_NUMBER), find, write=find)
        case FieldType.NEWDECIMAL:
            return KeyColumn(name, _ascii, _checked(_DECIMAL), _decimal)
        case FieldType.DATE:
            return KeyColumn(name, _read_moment, _cast("DATE", _DATETIME), _date)
        case FieldType.DATETIME2 | FieldType.TIMESTAMP2:
            return KeyColumn(name, _read_moment, _cast("DATETIME(6)", _DATETIME), _moment)
        case FieldType.TIME2:
            return KeyColumn(name, _read_time, _cast("TIME(6)", _TIME), _text(_TIME))
        case _ if type_name in TYPED_TEXT:
            return KeyColumn(name, _ascii, _quoted, _FROM_TYPED[type_name])
        case FieldType.STRING | FieldType.VARCHAR if column.collation == BINARY_COLLATION:
            return KeyColumn(name, bytes, _binary, _bytes, write=_bytes_written)
        case FieldType.STRING | FieldType.VARCHAR if characters:
            return KeyColumn(name, bytes, _text_literal(characters), _characters)
    return None


# -- as they arrive


def _signed(raw: bytes) -> str:
    return str(int.from_bytes(raw, "little", signed=True))


def _unsigned(raw: bytes) -> str:
    return str(int.from_bytes(raw, "little"))


def _big_endian(raw: bytes) -> str:
    return str(int.from_bytes(raw, "big"))


def _ascii(raw: bytes) -> str:
    return raw.decode("ascii")


_PARTS: Final = struct.Struct("<HBBBBBI")
_TIME_PARTS: Final = struct.Struct("<BIBBBI")
_DAY_BYTES: Final = 4


def _read_moment(raw: bytes) -> str:
    year, month, day, hour, minute, second, micros = _PARTS.unpack(raw.ljust(_PARTS.size, b"\0"))
    text = f"{year:04d}-{month:02d}-{day:02d}"
    if len(raw) <= _DAY_BYTES and raw:
        return text
    return f"{text} {hour:02d}:{minute:02d}:{second:02d}.{micros:06d}"


def _read_time(raw: bytes) -> str:
    parts = _TIME_PARTS.unpack(raw.ljust(_TIME_PARTS.size, b"\0"))
    negative, days, hour, minute, second, micros = parts
    return f"{'-' * negative}{days * 24 + hour:02d}:{minute:02d}:{second:02d}.{micros:06d}"


# -- in statements


def _checked(pattern: re.Pattern[str]) -> Callable[[Value], str]:
    def literal(value: Value) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise ValueError("not of this type")
        return value

    return literal


def _cast(type_: str, pattern: re.Pattern[str]) -> Callable[[Value], str]:
    checked = _checked(pattern)
    return lambda value: f"CAST('{checked(value)}' AS {type_})"


def _quoted(value: Value) -> str:
    return f"'{_checked(_TYPED)(value)}'"


def _hex(value: Value) -> str:
    raw = value.encode() if isinstance(value, str) else bytes(value)
    return f"X'{raw.hex()}'"


def _binary(value: Value) -> str:
    return f"_binary {_hex(value)}"


def _text_literal(characters: Characters) -> Callable[[Value], str]:
    """Return a function that writes a text in the column's charset and collation, for key access.

    The server converts text that is not bytes of the column's.
    """
    charset, collation = characters.charset, characters.collation

    def literal(value: Value) -> str:
        if isinstance(value, str):
            return f"CONVERT(_utf8mb4 {_hex(value)} USING {charset}) COLLATE {collation}"
        return f"_{charset} {_hex(value)} COLLATE {collation}"

    return literal


# -- from ids


def _number(value: Any) -> str | None:
    if isinstance(value, Decimal128):
        value = value.to_decimal()
        if not value.is_finite():
            return None
    if isinstance(value, str):
        return value if _NUMBER.fullmatch(value) else None
    if isinstance(value, int | float | Decimal) and -_BEYOND < value < _BEYOND and value % 1 == 0:
        return str(int(value))
    return None


def _decimal(value: Any) -> str | None:
    if isinstance(value, Decimal128):
        value = f"{value.to_decimal():f}"
    elif isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value if isinstance(value, str) and _DECIMAL.fullmatch(value) else None


def _moment(value: Any) -> str | None:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(" ", "microseconds")
    if isinstance(value, DatetimeMS):
        return _of_year_zero(value)
    return _text(_DATETIME)(value)


def _date(value: Any) -> str | None:
    found = _moment(value)
    return None if found is None else found[:_DATE_LENGTH]


def _of_year_zero(value: DatetimeMS) -> str | None:
    """Write a time of the year 0, which Python's datetime lacks; None for any other."""
    later = DatetimeMS(int(value) + CYCLE_DAYS * DAY_MILLISECONDS)
    try:
        moment = later.as_datetime().replace(tzinfo=None)
    except (ValueError, OverflowError, InvalidBSON):
        return None
    if moment.year != CYCLE_YEARS:
        return None
    return "0000" + moment.isoformat(" ", "microseconds")[4:]


def _text(pattern: re.Pattern[str]) -> Callable[[Any], str | None]:
    return lambda value: value if isinstance(value, str) and pattern.fullmatch(value) else None


def _characters(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _bytes(value: Any) -> Value | None:
    return bytes(value) if isinstance(value, bytes) else _characters(value)


def _bytes_written(text: str) -> Value:
    return bytes.fromhex(text[2:]) if _HEX.fullmatch(text) else text


def _member(column: Column) -> Callable[[Any], str | None]:
    """Return a function that finds the number of an ENUM's member, or of a SET's members."""
    number = {name: at for at, name in enumerate(column.members) if name is not None}

    def enum(value: Any) -> str | None:
        return str(number[value] + 1) if value in number else "0" if value == "" else None

    def set_(value: Any) -> str | None:
        names = value.split(",") if isinstance(value, str) and value else value or []
        if not set(names) <= number.keys():
            return None
        return str(sum(1 << number[name] for name in names))

    return enum if column.type is FieldType.ENUM else set_


def _uuid(value: Any) -> str | None:
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, bytes) and len(value) == 16:
        return str(uuid.UUID(bytes=bytes(value)))
    return _address(value)


def _address(value: Any) -> str | None:
    return value if isinstance(value, str) and _TYPED.fullmatch(value) else None


_FROM_TYPED: Final[dict[str, Callable[[Any], str | None]]] = {
    "uuid": _uuid,
    "inet4": _address,
    "inet6": _address,
}


def found(columns: Sequence[KeyColumn], values: Sequence[Any]) -> Key | None:
    """Return the key whose values became these BSON values; None if there can be none."""
    if len(columns) != len(values):
        return None
    key = tuple(column.find(value) for column, value in zip(columns, values, strict=True))
    return None if None in key else key  # type: ignore[return-value]


def written(columns: Sequence[KeyColumn], texts: Sequence[str]) -> Key:
    """Return the key that an operator wrote; raises UsageError if it is none.

    With one column a comma belongs to the value.
    """
    if len(columns) == 1:
        texts = (",".join(texts),)
    if len(columns) != len(texts):
        names = ",".join(column.name for column in columns)
        raise UsageError(
            f"{','.join(texts)!r} is no key: it has {len(columns)} columns",
            remedy=f"write {names}, a value for each, none with a comma in it",
        )
    key = tuple(column.write(text) or text for column, text in zip(columns, texts, strict=True))
    for column, value in zip(columns, key, strict=True):
        column.compared("=", value)
    return key
