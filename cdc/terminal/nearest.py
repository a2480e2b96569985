"""The name that somebody may have meant, among those that there are."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Final

NEAR: Final = 0.6
"""How much of two names must be the same, as difflib counts it; its own choice for suggestions."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like another, None if none is near.

    Each part between dots must be near: two tables are not alike because their schema is one.
    """
    likely = [(_likeness(name, each), each) for each in known]
    found = max(likely, key=lambda each: each[0], default=(0.0, ""))
    return found[1] if found[0] >= NEAR else None


def _likeness(one: str, other: str) -> float:
    """Return 1 for names that differ in nothing but case, down to 0."""
    parts = ([one], [other])
    if one.count(".") == other.count("."):
        parts = (one.split("."), other.split("."))
    return min(
        SequenceMatcher(None, mine.lower(), theirs.lower()).ratio()
        for mine, theirs in zip(*parts, strict=True)
    )
