"""Tells ids that no mapping makes, whatever it is: nobody's row has such a document.

What mappings make of columns is text, bytes, a number, a date or a truth value, or a document of
several of these; a document of one only where the mapping says so. Who writes to MongoDB without an
id of its own gets an ObjectId.
"""

from __future__ import annotations

from typing import Final

from cdc.mapping import bson_bytes
from cdc.writers.documents import elements

NOTE: Final = "no mapping makes such an id"


def is_foreign(identifier: bytes, lone_field: str = "") -> bool:
    """Return whether an id, type byte and bytes, is none that a mapping could have made.

    `lone_field` is the field of ids that are documents of one.
    """
    if identifier[:1] != bson_bytes.DOCUMENT:
        return identifier[:1] not in bson_bytes.OF_COLUMNS
    parts = [(name, value[:1]) for name, value in elements(identifier[1:])]
    if len(parts) < 2 and [name for name, _ in parts] != [lone_field]:
        return True
    return not bson_bytes.OF_COLUMNS.issuperset(kind for _, kind in parts)
