"""The collection names that MongoDB and its drivers accept."""

from __future__ import annotations

from typing import Final

NAMESPACE_BYTES: Final = 255
"""The most bytes of `database.collection`, in UTF-8 (MongoDB's limits and thresholds)."""


def collection_name(name: str) -> str:
    """Return the name; raises ValueError for one that no database accepts."""
    if not name or "\0" in name or "$" in name:
        raise ValueError("must be a collection name: not empty, without `$` and NUL")
    if ".." in name or name.startswith(".") or name.endswith("."):
        raise ValueError("must be a collection name: its parts, between dots, must not be empty")
    if name.startswith("system.") or ".system." in name:
        raise ValueError("must be a collection name: what is called `system.` is MongoDB's own")
    if _bytes(name) > NAMESPACE_BYTES - len("d."):
        raise ValueError(_too_long(name))
    return name


def namespace_mistake(database: str, name: str) -> str | None:
    """Return the mistake in a name in this database; None if there is none."""
    return _too_long(name) if _bytes(f"{database}.{name}") > NAMESPACE_BYTES else None


def _too_long(name: str) -> str:
    return (
        "must be a shorter collection name: MongoDB takes"
        f" {NAMESPACE_BYTES} bytes for database, dot and name, and the name has {_bytes(name)}"
    )


def _bytes(name: str) -> int:
    try:
        return len(name.encode())
    except UnicodeEncodeError:
        raise ValueError("must be a collection name: it holds half a character") from None
