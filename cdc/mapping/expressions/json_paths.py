"""Paths into JSON values, as both servers read them: `$`, `.name`, `."name"`, `[2]`, `[last-1]`."""

from __future__ import annotations

import re
from typing import Final

from cdc.mapping.expressions.errors import ExpressionError

Leg = str | int
"""A member's name, or a cell's number: counted from the end if negative, -1 for `last`."""
Path = tuple[Leg, ...]

MAX_LEGS: Final = 100
"""MySQL's `JSON_DOCUMENT_MAX_DEPTH`."""
_LEG: Final = re.compile(
    r"""
    \.(?P<name>[A-Za-z_$][A-Za-z0-9_$]*)
    | \."(?P<quoted>[^"\\\x00-\x1f]*)"
    | \[(?P<index>0|[1-9][0-9]{0,8})\]
    | \[last(?:-(?P<last>0|[1-9][0-9]{0,8}))?\]
    """,
    re.VERBOSE,
)
_WILDCARDS: Final = (
    (re.compile(r"\*\*"), "the wildcard **"),
    (re.compile(r"\.\*"), "the wildcard .*"),
    (re.compile(r"\[\s*\*\s*\]"), "the wildcard [*]"),
    (re.compile(r"\[[^\]\"]*\bto\b"), "a range of cells"),
)


def parse_path(text: str) -> Path:
    """Parse a path; raises ExpressionError, which names what is outside the subset."""
    legs: list[Leg] = []
    at = 1
    while at < len(text) and len(legs) <= MAX_LEGS:
        match = _LEG.match(text, at)
        if match is None:
            raise _refused(text, at)
        legs.append(_leg(match))
        at = match.end()
    if not text.startswith("$") or at != len(text):
        raise _refused(text, 0)
    return tuple(legs)


def _leg(match: re.Match[str]) -> Leg:
    if match["index"] is not None:
        return int(match["index"])
    if match["name"] is not None:
        return match["name"]
    if match["quoted"] is not None:
        return match["quoted"]
    return -1 - int(match["last"] or 0)


def _refused(text: str, at: int) -> ExpressionError:
    for pattern, what in _WILDCARDS:
        if pattern.match(text, at):
            return ExpressionError(f"{what} in the JSON path {text} is outside the subset")
    return ExpressionError(
        f"{text} is no JSON path of the subset",
        'write $, .name, ."other name", [2], [last] or [last-1]',
    )
