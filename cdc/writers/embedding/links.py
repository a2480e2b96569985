"""The values by which documents find what they embed, and by which they are found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cdc.mapping import bson_bytes
from cdc.model.batch import comparable
from cdc.native import native
from cdc.writers.embedding.bson_walk import Path, value_at

Key = tuple[object, ...]
"""The values of a link, such that two are equal where MongoDB takes them for equal."""

Values = tuple[bytes, ...]
"""The same as BSON values."""

_NEVER_EQUAL: Final = frozenset({bson_bytes.NULL[0], bson_bytes.ARRAY[0], 0x06})
"""The types that link nothing: null as in SQL, an array, which MongoDB compares by its elements."""


def link(raw: bytes, paths: Sequence[Path]) -> tuple[Key, Values] | None:
    """Return the link values of a document; None if one of them equals nothing."""
    if native is not None and (found := native.link(raw, paths)) is not None:
        return found or None
    return step_by_step(raw, paths)


def step_by_step(raw: bytes, paths: Sequence[Path]) -> tuple[Key, Values] | None:
    """Return what `link` does, without the native module."""
    values: list[bytes] = []
    for path in paths:
        value = value_at(raw, path)
        if value is None or value[0] in _NEVER_EQUAL:
            return None
        values.append(value)
    return tuple(map(comparable, values)), tuple(values)
