"""How many values became less than they were, while rows were mapped."""

from __future__ import annotations

import threading
from collections import Counter

Losses = Counter[tuple[str, str]]
"""A count by (column, reason)."""


class LossCounts:
    """Counters that plans grow, one a table and thread; any thread may ask for the sums."""

    def __init__(self) -> None:
        self._counters: dict[tuple[str, int], Losses] = {}

    def of(self, table: str) -> Losses:
        """Return the counter of a table, `schema.table`, that the calling thread grows."""
        return self._counters.setdefault((table, threading.get_ident()), Counter())

    def totals(self) -> dict[tuple[str, str, str], int]:
        """Return the counts by (table, column, reason)."""
        totals: Counter[tuple[str, str, str]] = Counter()
        for (table, _), losses in list(self._counters.items()):
            for (column, reason), count in list(losses.items()):
                totals[table, column, reason] += count
        return dict(totals)
