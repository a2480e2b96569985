"""Tells ids that no mapping makes, whatever it is: nobody's row has such a document.

What mappings make of columns is text, bytes, a number, a date or a truth value, or a document of
several of these. Who writes to MongoDB without an id of its own gets an ObjectId.
"""

from __future__ import annotations

from typing import Final

from cdc.mapping import bson_bytes
from cdc.writers.documents import elements

NOTE: Final = "no mapping makes such an id"


def is_foreign(identifier: bytes) -> bool:
    """Return whether an id, type byte and bytes, is none that a mapping could have made."""
    if identifier[:1] != bson_bytes.DOCUMENT:
        return identifier[:1] not in bson_bytes.OF_COLUMNS
    parts = [value[:1] for _, value in elements(identifier[1:])]
    return len(parts) < 2 or not bson_bytes.OF_COLUMNS.issuperset(parts)
