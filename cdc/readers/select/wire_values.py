"""Converts column values from the binary protocol to what a row image holds.

Formats: "Binary Protocol Value" of
https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_binary_resultset.html, and those
that `cdc.mapping.types` cites for row images.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from cdc.mapping.types.cache import Cache
from cdc.mapping.types.decimals import GROUP_BYTES, groups
from cdc.mapping.types.registry import FRACTION_BYTES, INTEGER_BYTES, wire
from cdc.model.table_map import BINARY_COLLATION, Column, FieldType
from cdc.model.table_name import sql_name

Pack = Callable[[bytes], bytes]
"""Converts a value's bytes, without the length before it, into those of a row image."""


@dataclass(frozen=True, slots=True)
class Packing:
    """A conversion by its name, and what it is made for: the digits of a fraction, for example."""

    name: str
    a: int = 0
    b: int = 0


@dataclass(frozen=True, slots=True)
class WireColumn:
    """How one column is selected, arrives and is converted.

    `select` is the expression to select, `size` the bytes that arrive, 0 if a length comes first.
    `packing` converts them; without it an image holds their first `kept` ones, or all that a length
    came before. `prefix` is the size of the image's length field, 0 for an image of fixed size.
    `short` says that no length that arrives exceeds 250.
    """

    select: str
    size: int = 0
    kept: int = 0
    prefix: int = 0
    short: bool = False
    packing: Packing | None = None


TYPED_TEXT: Final = frozenset({"uuid", "inet4", "inet6"})
"""MariaDB's types that arrive as text and are BINARY in the binlog."""

ONE_BYTE_LENGTHS: Final = 250
"""The longest value whose length arrives in one byte."""


def wire_column(column: Column, type_name: str) -> WireColumn:
    """Return the wire form of a column; `type_name` is information_schema's `data_type`."""
    name, shape = sql_name(column.name), wire(column)
    match column.type:
        case FieldType.INT24:
            return WireColumn(name, 4, 3)
        case kind if kind in INTEGER_BYTES or kind in (FieldType.FLOAT, FieldType.DOUBLE):
            return WireColumn(name, shape.size, shape.size)
        case FieldType.ENUM | FieldType.SET if column.spelled:
            return WireColumn(name, prefix=shape.prefix)
        case FieldType.ENUM | FieldType.SET:
            return WireColumn(f"CAST({name} AS UNSIGNED) | 0", 8, shape.size)
        case FieldType.YEAR:
            return WireColumn(name, 2, packing=Packing("year"))
        case FieldType.BIT:
            return WireColumn(name, short=True)
        case FieldType.NEWDECIMAL:
            packing = Packing("decimal", column.precision, column.scale)
            return WireColumn(name, short=True, packing=packing)
        case FieldType.DATE:
            return WireColumn(name, short=True, packing=Packing("date"))
        case FieldType.DATETIME2:
            return WireColumn(name, short=True, packing=Packing("datetime", column.scale))
        case FieldType.TIMESTAMP2:
            return WireColumn(name, short=True, packing=Packing("timestamp", column.scale))
        case FieldType.TIME2:
            return WireColumn(name, short=True, packing=Packing("time", column.scale))
        case _ if type_name in TYPED_TEXT:
            return WireColumn(name, prefix=shape.prefix, short=True, packing=Packing(type_name))
        case FieldType.STRING if column.collation == BINARY_COLLATION:
            return WireColumn(name, prefix=shape.prefix, packing=Packing("without zeros"))
    return WireColumn(name, prefix=shape.prefix, short=0 < column.length <= ONE_BYTE_LENGTHS)


def packer(packing: Packing) -> Pack:
    """Return the function of a conversion."""
    match packing.name:
        case "decimal":
            return decimal_packer(packing.a, packing.b)
        case "datetime":
            return datetime_packer(packing.a)
        case "timestamp":
            return timestamp_packer(packing.a)
        case "time":
            return time_packer(packing.a)
    return _PACKERS[packing.name]


# -- texts and years


def _without_zeros(raw: bytes) -> bytes:
    return raw.rstrip(b"\0")


def _uuid(text: bytes) -> bytes:
    return _without_zeros(bytes.fromhex(text.replace(b"-", b"").decode()))


def _inet4(text: bytes) -> bytes:
    return _address(socket.AF_INET, text)


def _inet6(text: bytes) -> bytes:
    return _address(socket.AF_INET6, text)


def _address(family: socket.AddressFamily, text: bytes) -> bytes:
    try:
        return _without_zeros(socket.inet_pton(family, text.decode()))
    except OSError as error:
        raise ValueError("no address") from error


def _year(raw: bytes) -> bytes:
    year = int.from_bytes(raw, "little")
    return bytes((year - 1900 if year else 0,))


# -- dates

_DAY: Final = struct.Struct("<HBB")
_MOMENT: Final = struct.Struct("<HBBBBB")
_FRACTION: Final = struct.Struct("<I")
MICROSECONDS: Final = 6
"""The digits of most fractions in tables."""
_EPOCH: Final = date(1970, 1, 1).toordinal()
_SECONDS_A_DAY: Final = 86_400
_SCALE_DOWN: Final = (1, 10_000, 10_000, 100, 100, 1, 1)
"""The divisor of microseconds for a fraction of so many digits."""


def _date(raw: bytes) -> bytes:
    if not raw:
        return bytes(3)
    year, month, day = _DAY.unpack(raw)
    number: int = year << 9 | month << 5 | day
    return number.to_bytes(3, "little")


def _days(raw: bytes) -> int:
    return date(*_DAY.unpack(raw)).toordinal() - _EPOCH


def _datetime_day(raw: bytes) -> int:
    year, month, day = _DAY.unpack(raw or bytes(4))
    days: int = (year * 13 + month) << 5 | day
    return 1 << 39 | days << 17


def _datetime_moment(raw: bytes) -> int:
    hour, minute, second = raw or bytes(3)
    return hour << 12 | minute << 6 | second


DATES: Final = Cache(_date)
DAYS: Final = Cache(_days)
DATETIME_DAYS: Final = Cache(_datetime_day)
DATETIME_MOMENTS: Final = Cache(_datetime_moment)
NO_MICROSECONDS: Final = bytes(3)


def _whole_seconds(raw: bytes) -> bytes:
    """Return a DATETIME without its fraction; trailing zero parts do not arrive."""
    return (DATETIME_DAYS[raw[:4]] | DATETIME_MOMENTS[raw[4:7]]).to_bytes(5, "big")


def _fraction(raw: bytes, scale: int) -> bytes:
    """Return the fraction of the second of a date and time that arrived."""
    micros = _FRACTION.unpack_from(raw, 7)[0] if len(raw) > 7 else 0
    return int(micros // _SCALE_DOWN[scale]).to_bytes(FRACTION_BYTES[scale], "big")


def datetime_packer(scale: int) -> Pack:
    """Return a function that packs a DATETIME(`scale`)."""

    def pack(raw: bytes) -> bytes:
        return _whole_seconds(raw) + (_fraction(raw, scale) if scale else b"")

    def microseconds(raw: bytes) -> bytes:
        return _whole_seconds(raw) + (raw[9:6:-1] or NO_MICROSECONDS)

    return microseconds if scale == MICROSECONDS else pack


def timestamp_packer(scale: int) -> Pack:
    """Return a function that packs a TIMESTAMP(`scale`) that arrives in UTC."""

    def pack(raw: bytes) -> bytes:
        if not raw:
            return bytes(4 + FRACTION_BYTES[scale])
        _, _, _, hour, minute, second = _MOMENT.unpack_from(raw.ljust(7, b"\0"))
        seconds: int = DAYS[raw[:4]] * _SECONDS_A_DAY + hour * 3600 + minute * 60 + second
        return seconds.to_bytes(4, "big") + (_fraction(raw, scale) if scale else b"")

    return pack


_TIME: Final = struct.Struct("<BIBBB")


def time_packer(scale: int) -> Pack:
    """Return a function that packs a TIME(`scale`)."""
    fraction_bytes = FRACTION_BYTES[scale]
    offset = 1 << 8 * (3 + fraction_bytes) - 1

    def pack(raw: bytes) -> bytes:
        negative, days, hour, minute, second = _TIME.unpack_from(raw.ljust(8, b"\0"))
        micros = _FRACTION.unpack_from(raw, 8)[0] if len(raw) > 8 else 0
        whole = (days * 24 + hour) << 12 | minute << 6 | second
        number: int = whole << 8 * fraction_bytes
        number += micros // _SCALE_DOWN[scale] if scale else 0
        signed = offset - number if negative else offset + number
        return signed.to_bytes(3 + fraction_bytes, "big")

    return pack


# -- decimals


def decimal_packer(precision: int, scale: int) -> Pack:
    """Return a function that packs the text of a DECIMAL(`precision`, `scale`)."""
    steps = []
    shift = below = 0
    for digits in reversed(groups(precision, scale)):
        steps.append((10**below, 10**digits, shift))
        below += digits
        shift += 8 * GROUP_BYTES[digits]
    size, top, every = shift // 8, 1 << shift - 1, (1 << shift) - 1

    def pack(raw: bytes) -> bytes:
        number = int(raw.replace(b".", b""))
        negative = raw[0] == 0x2D
        number = abs(number)
        grouped = top
        for divisor, modulus, at in steps:
            grouped |= number // divisor % modulus << at
        if negative:
            grouped ^= every
        return grouped.to_bytes(size, "big")

    return pack


_PACKERS: Final[dict[str, Pack]] = {
    "date": DATES.__getitem__,
    "inet4": _inet4,
    "inet6": _inet6,
    "uuid": _uuid,
    "without zeros": _without_zeros,
    "year": _year,
}
