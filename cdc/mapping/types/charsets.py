"""Which charset a collation id means, and how its bytes are decoded.

The ids are those of `information_schema.COLLATIONS` on MySQL 9 and MariaDB 11.
"""

from __future__ import annotations

from collections.abc import Callable

BINARY = 63
UTF8 = frozenset({"utf8mb4", "utf8mb3", "ascii"})
"""Charsets whose bytes are UTF-8."""

IDS: dict[str, tuple[range, ...]] = {
    "ascii": (range(11, 12), range(65, 66)),
    "latin1": tuple(range(one, one + 1) for one in (5, 8, 15, 31, 47, 48, 49, 94)),
    "utf8mb3": (range(33, 34), range(76, 77), range(83, 84), range(192, 216), range(223, 224)),
    "utf8mb4": (range(45, 47), range(224, 248), range(255, 324)),
}
COLLATIONS: dict[int, str] = {
    number: charset for charset, ranges in IDS.items() for ids in ranges for number in ids
}

Decode = Callable[[bytes], str]


def charset(collation: int) -> str | None:
    """Give the charset of a collation id, None if it is not known."""
    return COLLATIONS.get(collation)
