"""Dotted paths of fields, and which of them exclude each other."""

from __future__ import annotations


def nested(one: str, other: str) -> str | None:
    """Give the path that lies below the other, None where neither does."""
    if one.startswith(other + "."):
        return one
    return other if other.startswith(one + ".") else None
