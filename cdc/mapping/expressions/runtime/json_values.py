"""JSON values as MySQL's functions see them.

A value is what its text says, as in documents: dict, list, str, int, float, bool and `NULL`. So
decimals inside JSON are doubles, and dates are strings; only SQL functions put such values there.
"""

from __future__ import annotations

import json
from decimal import Decimal
from enum import Enum
from typing import Any, Final

import bson
from bson.decimal128 import Decimal128

from cdc.mapping import bson_bytes
from cdc.mapping.expressions.json_paths import Path
from cdc.mapping.expressions.runtime.casts import (
    double_to_signed,
    int_to_signed,
    text_to_double,
    text_to_signed,
)
from cdc.mapping.expressions.runtime.numbers import double_text
from cdc.mapping.types import json as binary_json
from cdc.mapping.types import json_text


class Null(Enum):
    """JSON's null, which is a value, unlike NULL."""

    NULL = None


NULL: Final = Null.NULL
FIRST_CELLS: Final = (0, -1)
"""The cells at which a value that is no array finds itself."""
_RANKS: Final[dict[type, int]] = {
    Null: 0,
    int: 1,
    float: 1,
    str: 2,
    dict: 3,
    list: 4,
    bool: 5,
}
"""Values of different types sort by type: "Comparison and Ordering of JSON Values"."""


def from_binary(data: bytes) -> object:
    """Read a JSON column of the binlog; raises ValueError."""
    kind, content = binary_json.transcode(data)
    document = bson.decode(bson_bytes.document(kind + b"\0" + content))
    return _plain(document[""])


def _plain(value: Any) -> object:
    match value:
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case None:
            return NULL
        case Decimal128():
            return int(value.to_decimal())
        case bson.Int64():
            return int(value)
    return value


def from_text(data: bytes) -> object:
    """Read a JSON column as SELECT prints it; raises ValueError."""
    return _read(json_text.DECODER.decode(data.decode()))


def _read(value: Any) -> object:
    match value:
        case dict():
            return {name: _read(item) for name, item in value.items()}
        case list():
            return [_read(item) for item in value]
        case None:
            return NULL
    return value


def follow(value: object, path: Path) -> object | None:
    """Return the value at a path; None if there is none."""
    found: object = value
    for leg in path:
        if isinstance(leg, str):
            if not isinstance(found, dict) or leg not in found:
                return None
            found = found[leg]
        elif isinstance(found, list):
            if not -len(found) <= leg < len(found):
                return None
            found = found[leg]
        elif leg not in FIRST_CELLS:
            return None
    return found


def unquoted(value: object) -> str:
    """Compute JSON_UNQUOTE: a string itself, anything else printed."""
    return value if isinstance(value, str) else printed(value)


def printed(value: object) -> str:
    """Print a value as SELECT does."""
    match value:
        case dict():
            items = (f"{_quoted(name)}: {printed(item)}" for name, item in value.items())
            return f"{{{', '.join(items)}}}"
        case list():
            return f"[{', '.join(map(printed, value))}]"
        case str():
            return _quoted(value)
        case bool():
            return "true" if value else "false"
        case float():
            text = double_text(value)
            return text if "." in text or "e" in text else f"{text}.0"
    return "null" if value is NULL else str(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def compare(one: object, other: object) -> int:
    """Return -1, 0 or 1, as a JSON value sorts before, with or behind a scalar."""
    rank, other_rank = _RANKS[type(one)], _RANKS.get(type(other), 1)
    if rank != other_rank:
        return 1 if rank > other_rank else -1
    first: Any = one
    second: Any = other
    if isinstance(second, Decimal) and isinstance(first, float):
        first = Decimal(repr(first))
    elif isinstance(first, Decimal) and isinstance(second, float):
        second = Decimal(repr(second))
    return int(first > second) - int(first < second)


def to_signed(value: object) -> int:
    """Compute CAST(value AS SIGNED)."""
    match value:
        case str():
            return text_to_signed(value)
        case float():
            return double_to_signed(value)
        case int():
            return int_to_signed(int(value))
    return 0


def to_double(value: object) -> float:
    """Compute CAST(value AS DOUBLE)."""
    match value:
        case str():
            return text_to_double(value)
        case int() | float():
            return float(value)
    return 0.0


def encoded(value: object) -> tuple[bytes, bytes]:
    """Return BSON type byte and bytes, as for a JSON column; raises ValueError."""
    return json_text.encode_value(_unmarked(value))


def _unmarked(value: object) -> object:
    match value:
        case dict():
            return {name: _unmarked(item) for name, item in value.items()}
        case list():
            return [_unmarked(item) for item in value]
    return None if value is NULL else value
