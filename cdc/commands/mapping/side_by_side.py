"""Two texts beside each other, as wide as the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Final

BETWEEN: Final = " │ "
NARROWEST: Final = 20
"""The narrowest readable column, in characters."""


def side_by_side(left: Sequence[str], right: Sequence[str], width: int) -> Iterator[str]:
    """Yield the lines of both texts; a long line continues in the next."""
    half = max(NARROWEST, (width - len(BETWEEN)) // 2)
    for one, other in zip_longest(_wrapped(left, half), _wrapped(right, half), fillvalue=""):
        yield f"{one:{half}}{BETWEEN}{other}".rstrip()


def _wrapped(lines: Sequence[str], width: int) -> Iterator[str]:
    for line in lines:
        for start in range(0, max(len(line), 1), width):
            yield line[start : start + width]
