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
    parts, whole = [*map(_matcher, name.split("."))], [_matcher(name)]
    found, likeness = None, NEAR
    for each in known:
        others = each.split(".")
        if len(others) == len(parts):
            alike = _likeness(parts, others, likeness)
        else:
            alike = _likeness(whole, [each], likeness)
        if alike > likeness or (found is None and alike == likeness):
            found, likeness = each, alike
    return found


def _matcher(text: str) -> SequenceMatcher[str]:
    matcher = SequenceMatcher[str]()
    matcher.set_seq2(text.lower())
    return matcher


def _likeness(parts: list[SequenceMatcher[str]], others: list[str], least: float) -> float:
    """Return 1 for names that differ in nothing but case, down to 0; 0 if less than `least`.

    Most of ten thousand tables are told to be unlike by their letters, in a tenth of the time.
    """
    for part, other in zip(parts, others, strict=True):
        part.set_seq1(other.lower())
        if part.real_quick_ratio() < least or part.quick_ratio() < least:
            return 0.0
    return min(each.ratio() for each in parts)
