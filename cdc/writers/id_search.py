"""Finds what a stream keeps in its state database by the beginning of an id."""

from __future__ import annotations

import re
from typing import Any

from pymongo.collection import Collection

from cdc.writers.errors import explained


def ids_beginning(documents: Collection[dict[str, Any]], stream: str, text: str) -> list[str]:
    """Return two ids at most of a stream's documents that begin with a text."""
    query = {"stream": stream, "_id": {"$regex": f"^{re.escape(text)}"}}
    with explained():
        return [str(each["_id"]) for each in documents.find(query, {"_id": 1}).limit(2)]
