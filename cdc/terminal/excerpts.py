"""Shows a line of a text, with a caret under a place in it."""

from __future__ import annotations

import unicodedata
from typing import Final

from cdc.terminal.output import in_a_line

INDENT: Final = "    "
"""What the lines of an excerpt begin with, and other lines of errors and findings do not."""

WIDTH: Final = 72
"""The columns of a terminal for the text; of a longer line only what stands around the place."""

BEFORE: Final = 48
"""How many of them show what stands before the place, if there is so much."""

CUT: Final = "..."


def excerpt(text: str, at: int) -> str:
    """Return the line of `text` that holds its character number `at`, and a caret below it."""
    start = text.rfind("\n", 0, at) + 1
    start += len(text[start:at]) - len(text[start:at].lstrip())
    line = text[start:].partition("\n")[0].rstrip()
    shown = [_shown(character) for character in line]
    place = at - start
    first, last = _window([_width(each) for each in shown], place)
    before = (CUT if first else "") + "".join(shown[first:place])
    behind = "".join(shown[place:last]) + (CUT if last < len(shown) else "")
    return f"{INDENT}{before}{behind}\n{INDENT}{' ' * _width(before)}^"


def _window(widths: list[int], place: int) -> tuple[int, int]:
    """Return the first character to show, and the one behind the last."""
    if sum(widths) <= WIDTH:
        return 0, len(widths)
    first = place
    while first and sum(widths[first - 1 : place]) <= BEFORE - len(CUT):
        first -= 1
    while 0 < first < len(widths) and not widths[first]:  # it belongs to the one before
        first -= 1
    last, room = place, WIDTH - sum(widths[first:place]) - 2 * len(CUT)
    while last < len(widths) and sum(widths[place : last + 1]) <= room:
        last += 1
    while last < len(widths) and not widths[last]:
        last += 1
    return first, last


def _shown(character: str) -> str:
    return " " if character == "\t" else in_a_line(character)


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"} or "\u1160" <= character <= "\u11ff":
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"F", "W"} else 1
