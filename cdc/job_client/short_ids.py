"""Ids as people type them: any beginning that only one has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cdc.errors import UsageError

SHORT: Final = 8
"""The digits of an id that lists show, unless more are needed to tell it from another."""


def only(what: str, text: str, found: Sequence[str], remedy: str) -> str:
    """Return the id that was meant by its beginning; raises UsageError for none or several."""
    if text in found:
        return text
    if not text or not found:
        raise UsageError(f"there is no {what} {text}".rstrip(), remedy=remedy)
    if len(found) > 1:
        raise UsageError(
            f"{text} is the beginning of more than one {what}", remedy=f"write more of it; {remedy}"
        )
    return found[0]


def shortened(ids: Sequence[str]) -> dict[str, str]:
    """Return each id with as much of it as tells it from the others, at least `SHORT` digits."""
    digits = SHORT
    while len({each[:digits] for each in ids}) < len(set(ids)):
        digits += 1
    return {each: each[:digits] for each in ids}
