"""Decides what to do if the target aborts a batch repeatedly for a write conflict.

Another program may hold its documents locked. Or the server's cache is too small for the batch:
mongod then aborts the transaction with the same error, and does not mention the cache.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final

import structlog
from pymongo.errors import OperationFailure, PyMongoError

from cdc.errors import Retryable
from cdc.model.batch import Batch
from cdc.writers.errors import brief
from cdc.writers.split import halves

log = structlog.get_logger(__name__)

CODES: Final = frozenset(
    {
        112,  # WriteConflict
        365,  # TemporarilyUnavailable: the cache is full, as newer servers say outside transactions
    }
)
EXPIRED: Final = frozenset(
    {
        251,  # NoSuchTransaction: for example one that outlived transactionLifetimeLimitSeconds
        290,  # TransactionExceededLifetimeLimitSeconds
    }
)
NORMAL_CONFLICTS: Final = 5
"""The number of conflicts of a batch in a row that are normal."""

CUT_SOONER_FOR: Final = 20
"""The number of batches behind a cut one that are cut at their first conflict."""

REMEDY: Final = (
    "where rows are large, give mongod a larger cache, storage.wiredTiger.engineConfig.cacheSizeGB;"
    " else end what holds the documents locked: db.currentOp()"
)


class MustSplit(Exception):
    """The batch is to be sent in parts, or with less derived at once."""


@contextmanager
def less_next(codes: Collection[int], *, easier: bool) -> Iterator[None]:
    """Raise MustSplit for an error of one of the codes, if there is an easier transaction."""
    try:
        yield
    except OperationFailure as error:
        if easier and error.code in codes:
            raise MustSplit(brief(error)) from error
        raise


class ConflictBudget:
    """Counts how many conflicts a writer accepts before it cuts a batch."""

    def __init__(self) -> None:
        self._cut_sooner_for = 0

    def begin(self, batch: Batch) -> Conflicts:
        """Begin with a batch."""
        self._cut_sooner_for = max(0, self._cut_sooner_for - 1)
        return Conflicts(batch, 1 if self._cut_sooner_for else NORMAL_CONFLICTS)

    def note_cut(self) -> None:
        """Note that a batch was cut."""
        self._cut_sooner_for = CUT_SOONER_FOR


class Conflicts:
    """The conflicts of one batch."""

    def __init__(self, batch: Batch, budget: int) -> None:
        self._batch = batch
        self._budget = budget
        self.count = 0

    def meet(self, error: PyMongoError, *, may_owe: bool = False) -> None:
        """Process an error of sending the batch, behind its first write.

        That write has found the state as the batch before left it: no attempt has landed, so the
        batch may be cut. Raises MustSplit if it is to be cut; else, after many conflicts, Retryable
        that says so. Returns if it is no conflict, or one of few. With `may_owe` the batch is
        easier if nothing is derived with it: MustSplit, though it may not be one to cut.
        """
        if not isinstance(error, OperationFailure) or error.code not in CODES:
            return
        self.count += 1
        if self.count < self._budget:
            return
        if may_owe or self.can_be_cut:
            raise MustSplit(brief(error)) from error
        if self.count % NORMAL_CONFLICTS == 0:
            self._tell()
        if self.count >= NORMAL_CONFLICTS:
            raise Retryable(f"{brief(error)} ({self.count} times in a row; {REMEDY})") from error

    @property
    def can_be_cut(self) -> bool:
        """Whether it can be cut without splitting a source transaction."""
        transactions = self._batch.transactions
        splits_one = len(transactions) == 1 and transactions[0].is_of_source
        return not splits_one and halves(self._batch) is not None

    def _tell(self) -> None:
        log.warning(
            "batch_conflicts",
            attempts=self.count,
            operations=self._batch.operations,
            bytes=self._batch.byte_size,
            position=str(self._batch.checkpoint.position),
            remedy=REMEDY,
        )
