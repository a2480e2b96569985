"""A scenario's results: rows of figures, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

Figure = str | int | float | None


@dataclass(slots=True)
class Table:
    """Measurements under one title; every row has the same names."""

    title: str
    rows: list[dict[str, Figure]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return it as text: names above, words to the left, numbers to the right."""
        names = list(self.rows[0])
        cells = [names, *([shown(row[name]) for name in names] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        aligned = ["  ".join(_aligned(row, widths, self.rows[0])).rstrip() for row in cells]
        return [self.title, *aligned, *(f"  {note}" for note in self.notes), ""]

    def to_document(self) -> dict[str, object]:
        """Return it as JSON stores it."""
        return {"title": self.title, "rows": self.rows, "notes": self.notes}


def shown(figure: Figure) -> str:
    """Return a figure as the table shows it."""
    match figure:
        case None:
            return "-"
        case int():
            return f"{figure:,}"
        case float():
            return f"{figure:.2f}"
    return figure


def _aligned(cells: list[str], widths: list[int], first: dict[str, Figure]) -> Iterable[str]:
    for cell, width, figure in zip(cells, widths, first.values(), strict=True):
        yield cell.ljust(width) if isinstance(figure, str) else cell.rjust(width)
