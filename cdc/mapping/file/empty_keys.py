"""Finds keys that a mapping file names without a value.

YAML makes null of them. A `where:`, a `fields:` or a `mask:` whose value was forgotten would count
as not written, and copy more than was meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from cdc.config.yaml12 import Path

DEEPEST: Final = 4
"""The most keys in a path of the language: `indexes`, a number, `keys`, a field."""

_MONGODB: Final = ("partial_filter_expression", "collation")
"""The keys of an index that go to MongoDB as they are."""


def take_valueless(data: Any, path: Path = ()) -> Iterator[Path]:
    """Remove each key without a value from `data`, and yield its path."""
    if len(path) == DEEPEST:
        return
    if isinstance(data, dict):
        for key in [key for key, value in data.items() if value is None]:
            if not _may_be_null((*path, key)):
                del data[key]
                yield (*path, key)
        for key, value in data.items():
            if path[:1] != ("indexes",) or key not in _MONGODB:
                yield from take_valueless(value, (*path, key))
    elif isinstance(data, list):
        for at, value in enumerate(data):
            yield from take_valueless(value, (*path, at))


def _may_be_null(path: Path) -> bool:
    return len(path) == 3 and path[0] == "fields" and path[2] == "value"
