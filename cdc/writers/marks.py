"""Marks a document whose row is gone, instead of removing it: `on_delete: {set: …}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bson

from cdc.model.any_time import ANY_TIME


def marked(document: bytes, marks: Mapping[str, Any]) -> bytes:
    """Return a document with values set at dotted paths."""
    decoded = bson.decode(document, ANY_TIME)
    for path, value in marks.items():
        _put(decoded, path, value)
    return bson.encode(decoded)


def _put(document: dict[str, Any], path: str, value: object) -> None:
    *parents, last = path.split(".")
    for name in parents:
        inner = document.get(name)
        document[name] = document = inner if isinstance(inner, dict) else {}
    document[last] = value
