"""Counts rows that generated code did not cover: they were read by `reference_reader`."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass


@dataclass(slots=True)
class SlowCount:
    """A count that one thread grows."""

    rows: int = 0


class SlowRows:
    """Counts that plans grow, one per table and thread; any thread may read the sums."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, int], SlowCount] = {}

    def of(self, table: str) -> SlowCount:
        """Return the count of a table (`schema.table`) for the calling thread."""
        return self._counts.setdefault((table, threading.get_ident()), SlowCount())

    def totals(self) -> dict[str, int]:
        """Return the counts by table."""
        totals: Counter[str] = Counter()
        for (table, _), count in list(self._counts.items()):
            totals[table] += count.rows
        return dict(totals)
