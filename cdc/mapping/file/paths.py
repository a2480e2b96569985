"""Compares dotted paths of fields: a path excludes those below it."""

from __future__ import annotations


def nested(one: str, other: str) -> str | None:
    """Return the path that lies below the other; None if neither does."""
    if one.startswith(other + "."):
        return one
    return other if other.startswith(one + ".") else None
