"""Orders BSON values as MongoDB does, for arrays that are made without it.

https://www.mongodb.com/docs/manual/reference/bson-type-comparison-order
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from bson import Decimal128

from cdc.writers.documents import bson_value, elements
from cdc.writers.embedding.bson_paths import NULL

_RANKS: Final = {
    0xFF: 0,  # MinKey
    0x06: 1,  # undefined
    0x0A: 1,  # null, and no field at all
    0x01: 2,
    0x10: 2,
    0x12: 2,
    0x13: 2,
    0x02: 3,
    0x0E: 3,
    0x03: 4,
    0x04: 5,
    0x05: 6,
    0x07: 7,
    0x08: 8,
    0x09: 9,
    0x11: 10,
    0x0B: 11,
    0x7F: 99,  # MaxKey
}
_OTHER: Final = 50

_NUMBERS: Final = 2
_SIZE_BYTES: Final = 4


def order_of(value: bytes | None) -> tuple[Any, ...]:
    """Return what sorts a value, type byte and bytes, as MongoDB does; None is one that is absent.

    Arrays have no order here: no link and no order of an embed may be one.
    """
    value = NULL if value is None else value
    rank = _RANKS.get(value[0], _OTHER)
    return (rank, *_within(rank, value))


def _within(rank: int, value: bytes) -> tuple[Any, ...]:
    """Return what sorts a value among those of its type."""
    kind, content = value[0], value[1:]
    match kind:
        case _ if rank == _NUMBERS:
            return _number(bson_value(value))
        case 0x02 | 0x0E:
            return (content[_SIZE_BYTES:-1],)
        case 0x03:
            return (tuple(map(_element, elements(content))),)
        case 0x05:
            return (content[:_SIZE_BYTES][::-1], content[_SIZE_BYTES:])
        case 0x09:
            return (int.from_bytes(content, "little", signed=True),)
        case _:
            return (content,)


def _number(value: Any) -> tuple[bool, Any]:
    """Return what sorts a number: NaN comes before all others."""
    plain = value.to_decimal() if isinstance(value, Decimal128) else Decimal(value)
    return (False, 0) if plain.is_nan() else (True, plain)


def _element(element: tuple[str, bytes]) -> tuple[Any, ...]:
    """Return what sorts a document's field: by its type first, then by its name."""
    name, value = element
    rank, *within = order_of(value)
    return (rank, name.encode(), *within)
