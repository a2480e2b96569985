"""What plans count while they map rows: lossy conversions and rows read the slow way."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

Losses = Counter[tuple[str, str]]
"""A count of lossy conversions by (column, reason)."""


@dataclass(slots=True)
class TableCounts:
    """The counts of one table that one thread grows.

    `slow_rows`: generated code did not cover them; they were read column by column, with every
    check. `left_rows`: the native module, which is in use, left them to generated code.
    `unchanged_rows`: updates that changed nothing of a document.
    """

    losses: Losses = field(default_factory=Counter)
    slow_rows: int = 0
    left_rows: int = 0
    unchanged_rows: int = 0

    def noted(self) -> TableCounts:
        """Return the counts as they are now."""
        return replace(self, losses=self.losses.copy())

    def put_back(self, noted: TableCounts) -> None:
        """Put the counts back: the rows since then are mapped again. Other threads may read."""
        self.slow_rows, self.left_rows = noted.slow_rows, noted.left_rows
        self.unchanged_rows = noted.unchanged_rows
        for loss in self.losses:
            self.losses[loss] = noted.losses[loss]


class MappingCounts:
    """Counts that plans grow, one a table and thread; any thread may ask for the sums."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, int], TableCounts] = {}

    def of(self, table: str) -> TableCounts:
        """Return the counts of a table, `schema.table`, that the calling thread grows."""
        return self._counts.setdefault((table, threading.get_ident()), TableCounts())

    def losses(self) -> dict[tuple[str, str, str], int]:
        """Return the losses by (table, column, reason)."""
        totals: Counter[tuple[str, str, str]] = Counter()
        for (table, _), counts in list(self._counts.items()):
            for (column, reason), count in list(counts.losses.items()):
                totals[table, column, reason] += count
        return dict(totals)

    def slow_rows(self) -> dict[str, int]:
        """Return the slow rows by table."""
        return self._by_table(lambda counts: counts.slow_rows)

    def unchanged_rows(self) -> dict[str, int]:
        """Return the updates that changed nothing of a document, by table."""
        return self._by_table(lambda counts: counts.unchanged_rows)

    def _by_table(self, number: Callable[[TableCounts], int]) -> dict[str, int]:
        totals: Counter[str] = Counter()
        for (table, _), counts in list(self._counts.items()):
            totals[table] += number(counts)
        return dict(totals)
