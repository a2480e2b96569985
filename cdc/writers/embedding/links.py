"""The values by which documents find what they embed, and by which they are found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from cdc.mapping import bson_bytes
from cdc.model.document_id import comparable
from cdc.native import native
from cdc.writers.documents import documents_in
from cdc.writers.embedding.bson_walk import Path, chosen, value_at

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


def linked(
    batch: bytes, paths: Sequence[Path], fields: Sequence[tuple[bytes, Path]] | None
) -> Iterable[tuple[Key, bytes]]:
    """Return the link and the chosen fields of each document of a batch that has a link.

    A batch is documents one behind the other; without `fields` they are whole.
    """
    if native is not None and (found := native.linked(batch, paths, fields)) is not None:
        return found
    return linked_step_by_step(batch, paths, fields)


def linked_step_by_step(
    batch: bytes, paths: Sequence[Path], fields: Sequence[tuple[bytes, Path]] | None
) -> Iterator[tuple[Key, bytes]]:
    """Yield what `linked` returns, without the native module."""
    for raw in documents_in(batch):
        if (found := step_by_step(raw, paths)) is not None:
            yield found[0], raw if fields is None else chosen(raw, fields)


def step_by_step(raw: bytes, paths: Sequence[Path]) -> tuple[Key, Values] | None:
    """Return what `link` does, without the native module."""
    values: list[bytes] = []
    for path in paths:
        value = value_at(raw, path)
        if value is None or value[0] in _NEVER_EQUAL:
            return None
        values.append(value)
    return tuple(map(comparable, values)), tuple(values)
