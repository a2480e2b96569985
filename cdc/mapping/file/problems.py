"""Problems in mapping files, all reported at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cdc.errors import UsageError
from cdc.terminal.nearest import nearest
from cdc.terminal.output import in_a_line

LISTED: Final = 20
"""The most names that a suggestion lists."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake, with the file and the line (from 1) that it is on.

    Of a mistake in an expression `excerpt` shows the place, in lines of its own.
    """

    file: Path
    line: int
    what: str
    excerpt: str = ""

    def __str__(self) -> str:
        return f"{in_a_line(self.file)}:{self.line}: {in_a_line(self.what)}"

    @property
    def shown(self) -> str:
        """The mistake for people, with its excerpt."""
        return f"{self}\n{self.excerpt}" if self.excerpt else str(self)


class MappingError(UsageError):
    """A mapping is wrong."""

    def __init__(
        self,
        mistakes: Iterable[Problem],
        *,
        table: str | None = None,
        remedy: str | None = None,
    ) -> None:
        """Put every mistake on a line of its own, in the order of the files."""
        self.mistakes = tuple(sorted(mistakes))
        super().__init__("\n".join(map(str, self.mistakes)), table=table, remedy=remedy)
        self.shown = "\n".join(each.shown for each in self.mistakes)


class LinkError(MappingError):
    """A table has no column by which documents find those that they embed, or are found."""


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """Return `, did you mean …?`, or the known names, the first of many."""
    if (near := nearest(name, known)) is not None:
        return f", did you mean `{near}`?"
    listed = ", ".join(f"`{each}`" for each in known[:LISTED])
    more = f" and {len(known) - LISTED} more" if len(known) > LISTED else ""
    return f"; there is {listed}{more}" if known else ""
