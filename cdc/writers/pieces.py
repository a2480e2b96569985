"""Sends work in pieces that leave the checkpoint, each as large as the target holds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, Protocol, TypeVar

from cdc.errors import CdcError, WriteRefused
from cdc.retry import let_go
from cdc.writers.conflicts import MustSplit
from cdc.writers.embedding.terms import Terms, Unembeddable
from cdc.writers.errors import Refused, RefusedTogether, TooLarge

SHRINK: Final = 8
"""The parts into which a piece is cut that the target cannot hold."""

T = TypeVar("T")


class RetryUntilDone(Protocol):
    """Repeats an attempt that fails for a passing reason."""

    def __call__(self, attempt: Callable[[], T]) -> T:
        """Return the result of `attempt` once it succeeds."""
        ...


class Pieces:
    """Pieces of one kind: after one that was too large they are small, and grow again."""

    def __init__(self, most: int, persist: RetryUntilDone, renew: Callable[[], None]) -> None:
        """Send up to `most` documents at once; `renew` renews the lease, if that is due."""
        self._most = most
        self._persist = persist
        self._renew = renew
        self._size = most

    def send(self, attempt: Callable[[Terms, int], T], there: int | None = None) -> T:
        """Return the result of the attempt that landed.

        `attempt` gets the number of documents to send, no more than are `there`, if that is known.
        Raises WriteRefused if the target takes none of a document for a reason that is not the
        document's, CdcError if it cannot hold a single one.
        """
        terms = Terms()
        while True:
            count = self._size if there is None else min(self._size, there)
            try:
                result = self._persist(partial(attempt, terms, count))
                break
            except Unembeddable as error:
                terms = terms.without(error)
                let_go(error)
            except RefusedTogether as error:
                terms = terms.each_apart()
                let_go(error)
            except (TooLarge, MustSplit) as error:
                terms = self._less(terms, count, error)
                let_go(error)
            except Refused as error:
                raise WriteRefused(
                    f"the target refuses to write a document of {error.collection} that embeds"
                    f" others: {error.why}",
                    remedy="mend the collection, then start again",
                ) from error
            self._renew()
        self._size = min(self._most, 2 * self._size)
        return result

    def _less(self, terms: Terms, count: int, error: TooLarge | MustSplit) -> Terms:
        if count == 1 and not terms.at_once:
            raise CdcError(
                f"the target cannot hold a single document in one transaction: {error}",
                remedy="give mongod a larger cache: storage.wiredTiger.engineConfig.cacheSizeGB",
            ) from error
        self._size = max(1, count // SHRINK)
        return terms.owing()
