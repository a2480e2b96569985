"""Pays debts between batches: in a transaction a piece of the oldest, as large as it holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, Protocol, TypeVar

from cdc.errors import CdcError, WriteRefused
from cdc.retry import let_go
from cdc.writers.conflicts import MustSplit
from cdc.writers.embedding.debts import Debts, Owed
from cdc.writers.embedding.embedder import PIECE
from cdc.writers.embedding.terms import Terms, Unembeddable
from cdc.writers.errors import Refused, TooLarge

SHRINK: Final = 8
"""The parts into which a piece is cut that the target cannot hold."""

COUNT_SECONDS: Final = 1.0
"""The interval of counts while something is owed."""

T = TypeVar("T")


class Persist(Protocol):
    """Repeats an attempt that fails for a passing reason."""

    def __call__(self, attempt: Callable[[], T]) -> T:
        """Return the result of `attempt` once it succeeds."""
        ...


class Paying:
    """The pieces of one stream's debts."""

    def __init__(
        self,
        debts: Debts,
        persist: Persist,
        derive: Callable[[Terms, int], bool],
        renew: Callable[[], None],
    ) -> None:
        """`derive` makes one attempt at up to so many documents; False if nothing is owed.

        `renew` renews the lease, if that is due, between two attempts.
        """
        self._debts = debts
        self._persist = persist
        self._derive = derive
        self._renew = renew
        self._size = PIECE
        self._counted_at = 0.0
        self.owed: Mapping[Owed, int] = {}

    def piece(self) -> bool:
        """Derive a piece of what is owed; return whether anything was.

        Raises WriteRefused if the target takes none of a document for a reason that is not the
        document's, CdcError if it cannot hold a single one.
        """
        terms = Terms()
        while True:
            try:
                paid = self._persist(partial(self._derive, terms, self._size))
                break
            except Unembeddable as error:
                terms = terms.without(error)
                let_go(error)
            except (TooLarge, MustSplit) as error:
                terms = self._less(terms, error)
                let_go(error)
            except Refused as error:
                raise WriteRefused(
                    f"the target refuses to write a document of {error.collection} that embeds"
                    f" others: {error.why}",
                    remedy="mend the collection, then start again",
                ) from error
            self._renew()
        self._size = min(PIECE, 2 * self._size)
        self._count(paid=paid)
        return paid

    def _less(self, terms: Terms, error: TooLarge | MustSplit) -> Terms:
        if self._size == 1 and not terms.at_once:
            raise CdcError(
                f"the target cannot hold a single document in one transaction: {error}",
                remedy="give mongod a larger cache: storage.wiredTiger.engineConfig.cacheSizeGB",
            ) from error
        self._size = max(1, self._size // SHRINK)
        return terms.owing()

    def _count(self, *, paid: bool) -> None:
        if not paid:
            self.owed = self._debts.nothing
        elif time.monotonic() - self._counted_at >= COUNT_SECONDS:
            self.owed = self._persist(self._debts.counts)
            self._counted_at = time.monotonic()
