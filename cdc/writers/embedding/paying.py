"""Pays debts between batches: in a transaction a piece of the oldest."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

from cdc.writers.embedding.debts import Debts, Owed
from cdc.writers.embedding.embedder import PIECE
from cdc.writers.embedding.terms import Terms
from cdc.writers.pieces import Pieces, RetryUntilDone

COUNT_SECONDS: Final = 1.0
"""The interval of counts while something is owed."""


class Paying:
    """The pieces of one stream's debts."""

    def __init__(
        self,
        debts: Debts,
        persist: RetryUntilDone,
        derive: Callable[[Terms, int], bool],
        renew: Callable[[], None],
    ) -> None:
        """`derive` makes one attempt at up to so many documents; False if nothing is owed.

        `renew` renews the lease, if that is due, between two attempts.
        """
        self._debts = debts
        self._persist = persist
        self._derive = derive
        self._pieces = Pieces(PIECE, persist, renew)
        self._counted_at = 0.0
        self.owed: Mapping[Owed, int] = {}

    def piece(self) -> bool:
        """Derive a piece of what is owed; return whether anything was; raises as `Pieces.send`."""
        paid = self._pieces.send(self._derive)
        self._count(paid=paid)
        return paid

    def _count(self, *, paid: bool) -> None:
        if not paid:
            self.owed = self._debts.nothing
        elif time.monotonic() - self._counted_at >= COUNT_SECONDS:
            self.owed = self._persist(self._debts.counts)
            self._counted_at = time.monotonic()
