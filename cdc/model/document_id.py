"""The `_id` of a document, as operations hold it: as a value, in a filter, and compared."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any, Final

import bson
from bson import Decimal128

from cdc.model.any_time import ANY_TIME

_DOCUMENT: Final = 0x03
_INTEGERS: Final = frozenset(b"\x10\x12")
_NUMERIC: Final = frozenset(b"\x01\x10\x12\x13")
"""BSON's double, int32, int64 and Decimal128: MongoDB compares them with each other."""

_NOT_A_NUMBER: Final = "NaN"


def comparable(identifier: bytes) -> object:
    """Return the comparable id: two are equal if they are equal to MongoDB."""
    kind = identifier[0]
    if kind in _INTEGERS:
        return int.from_bytes(identifier[1:], "little", signed=True)
    if kind not in _NUMERIC and kind != _DOCUMENT:
        return identifier
    return _comparable(id_value(identifier))


def _comparable(value: object) -> object:
    if isinstance(value, Decimal128):
        value = value.to_decimal()
    if isinstance(value, dict):
        return tuple((name, _comparable(part)) for name, part in value.items())
    if (isinstance(value, float) and math.isnan(value)) or (
        isinstance(value, Decimal) and value.is_nan()
    ):
        return _NOT_A_NUMBER  # as an id it is one value, and equal to itself
    return value


def id_value(identifier: bytes) -> Any:
    """Return the `_id` of an operation as a Python value."""
    return bson.decode(query(identifier), ANY_TIME)["_id"]


def query(identifier: bytes) -> bytes:
    """Return the BSON document `{_id: …}` of an operation's id."""
    size = 4 + 1 + 4 + len(identifier)
    return b"%b%b_id\0%b\0" % (size.to_bytes(4, "little"), identifier[:1], identifier[1:])
