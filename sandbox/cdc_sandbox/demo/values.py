"""Decoded BSON values, told apart by type as well as by value."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from bson.decimal128 import Decimal128
from bson.int64 import Int64


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


ABSENT: Final = _Absent()
_SHOWN_CHARACTERS = 80
_TYPE_NAMES = {
    bool: "bool",
    int: "int32",
    Int64: "int64",
    Decimal128: "decimal128",
    float: "double",
    str: "string",
    datetime: "date",
    dict: "document",
    list: "array",
}


def differences(expected: Any, found: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield (path, expected, found) for every leaf that differs; the path is dotted.

    The top level's order is free; within a field documents must agree in the order of keys too.
    """
    if type(expected) is dict and type(found) is dict:
        for key in dict.fromkeys([*expected, *found]):
            inner = f"{path}.{key}" if path else key
            yield from differences(expected.get(key, ABSENT), found.get(key, ABSENT), inner)
        if path and expected.keys() == found.keys() and list(expected) != list(found):
            yield path, list(expected), list(found)
    elif type(expected) is list and type(found) is list and len(expected) == len(found):
        for index, (left, right) in enumerate(zip(expected, found, strict=True)):
            yield from differences(left, right, f"{path}.{index}")
    elif type(expected) is not type(found) or _comparable(expected) != _comparable(found):
        yield path, expected, found


def shown(value: Any) -> str:
    """Return a value with its BSON type, cut to a readable length."""
    if value is None or value is ABSENT:
        return "null" if value is None else repr(value)
    text = value if isinstance(value, str) else str(value)
    if len(text) > _SHOWN_CHARACTERS:
        text = text[:_SHOWN_CHARACTERS] + "…"
    return f"{_TYPE_NAMES.get(type(value), type(value).__name__)} {text!r}"


def _comparable(value: Any) -> Any:
    match value:
        case float():
            return repr(value)
        case Decimal128():
            return value.bid
        case datetime():
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return value
