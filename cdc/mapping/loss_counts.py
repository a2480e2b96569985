"""Counts values that were converted with a loss."""

from __future__ import annotations

import threading
from collections import Counter

Losses = Counter[tuple[str, str]]
"""A count by (column, reason)."""


class LossCounts:
    """Counters that plans grow, one per table and thread; any thread may read the sums."""

    def __init__(self) -> None:
        self._counters: dict[tuple[str, int], Losses] = {}

    def of(self, table: str) -> Losses:
        """Return the counter of a table (`schema.table`) for the calling thread."""
        return self._counters.setdefault((table, threading.get_ident()), Counter())

    def totals(self) -> dict[tuple[str, str, str], int]:
        """Return the counts by (table, column, reason)."""
        totals: Counter[tuple[str, str, str]] = Counter()
        for (table, _), losses in list(self._counters.items()):
            for (column, reason), count in list(losses.items()):
                totals[table, column, reason] += count
        return dict(totals)
