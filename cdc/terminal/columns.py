"""Lists of several columns, each as wide as it must be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

BETWEEN = "  "


def padded(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return the rows, one of headings and others as long, their cells as wide as the column."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [[*map(str.ljust, row, widths)] for row in rows]


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield each row as a line."""
    return (BETWEEN.join(cells).rstrip() for cells in padded(rows))
