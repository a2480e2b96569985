"""Reads and writes values at the paths of BSON documents, as bytes (bsonspec.org).

A value is its type byte and its bytes, as in `Operation.id`. A path is its names, from the top; it
goes through documents only: what an array holds has no path.

The native module does it in a fraction of the time; what it leaves is done in Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cdc.mapping import bson_bytes
from cdc.native import native
from cdc.writers.embedding import bson_walk
from cdc.writers.embedding.bson_walk import Path

NULL: Final = bson_bytes.NULL
EMPTY_ARRAY: Final = bson_bytes.ARRAY + bson_bytes.document(b"")

AtPaths = Sequence[tuple[Path, bytes]]
"""Values, each with the path at which it belongs."""


def value_at(raw: bytes, path: Path) -> bytes | None:
    """Return the value at a path of a document; None if there is none."""
    return values_at(raw, (path,))[0]


def values_at(raw: bytes, paths: Sequence[Path]) -> tuple[bytes | None, ...]:
    """Return the values at some paths of a document; None for what is not there."""
    if native is not None and (found := native.values_at(raw, paths)) is not None:
        return found
    return bson_walk.values_at(raw, paths)


def with_values(raw: bytes, values: AtPaths) -> bytes:
    """Return the document with each value at its path, behind the fields that are there.

    What stood at a path before goes, and the documents around it that hold nothing else: a document
    that has been spliced already comes out the same. A path makes the documents that it goes
    through.
    """
    if native is not None and (whole := native.with_values(raw, values)) is not None:
        return whole
    return bson_walk.with_values(raw, values)


def set_in_place(raw: bytes, whole: bytes, values: AtPaths) -> bytes | None:
    """Return what `$set` needs to make `whole` of a document, a document by dotted paths.

    `whole` is the document with the values. None if it would not come to the same bytes: `$set`
    keeps a field's place, and adds others at the end.
    """
    if native is not None and (fields := native.set_in_place(raw, whole, values)) is not None:
        return fields or None
    return bson_walk.set_in_place(raw, whole, values)


def chosen(raw: bytes, fields: Sequence[tuple[bytes, Path]]) -> bytes:
    """Return a document of some values of another, each under its name, as far as it has them."""
    if native is not None and (found := native.chosen(raw, fields)) is not None:
        return found
    return bson_walk.chosen(raw, fields)


def array(documents: Sequence[bytes]) -> bytes:
    """Return an array of documents, as a value."""
    if native is not None and (found := native.array(documents)) is not None:
        return found
    return bson_walk.array(documents)


def among(values: Sequence[bytes]) -> bytes:
    """Return the condition `{$in: […]}` of some values, which are not decoded for it."""
    if native is not None and (found := native.among(values)) is not None:
        return found
    return bson_walk.among(values)
