"""Decides what to do about a batch that the target aborts again and again for a write conflict.

Another program may hold its documents locked. Or the server's cache is too small for what the batch
writes: mongod then aborts the transaction by the same error, and says no word about the cache.
"""

from __future__ import annotations

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
PATIENCE: Final = 5
"""How many conflicts of a batch in a row are nothing to speak of."""

SHORT_PATIENCE_FOR: Final = 20
"""So many batches behind one that was cut are cut at their first conflict."""

REMEDY: Final = (
    "where rows are large, give mongod a larger cache, storage.wiredTiger.engineConfig.cacheSizeGB;"
    " else end what holds the documents locked: db.currentOp()"
)


class Crowded(Exception):
    """The batch is to be sent in parts."""


class Patience:
    """How often a writer bears a conflict before it cuts a batch."""

    def __init__(self) -> None:
        self._short = 0

    def of(self, batch: Batch) -> Conflicts:
        """Begin with a batch."""
        self._short = max(0, self._short - 1)
        return Conflicts(batch, 1 if self._short else PATIENCE)

    def lost(self) -> None:
        """Learn that a batch was cut."""
        self._short = SHORT_PATIENCE_FOR


class Conflicts:
    """The conflicts of one batch."""

    def __init__(self, batch: Batch, patience: int) -> None:
        self._batch = batch
        self._patience = patience
        self.count = 0

    def meet(self, error: PyMongoError) -> None:
        """Take what sending the batch raised, behind its first write.

        That write has found the state as the batch before left it: no attempt has landed, so the
        batch may be cut. Raises Crowded where it is to be; else, with many, Retryable that says so.
        Returns where it is no conflict, or nothing to speak of yet.
        """
        if not isinstance(error, OperationFailure) or error.code not in CODES:
            return
        self.count += 1
        if self.count < self._patience:
            return
        if self.can_be_cut:
            raise Crowded(brief(error)) from error
        if self.count % PATIENCE == 0:
            self._tell()
        if self.count >= PATIENCE:
            raise Retryable(f"{brief(error)} ({self.count} times in a row; {REMEDY})") from error

    @property
    def can_be_cut(self) -> bool:
        """Whether it can be without tearing a source transaction apart."""
        several = len(self._batch.transactions) > 1 or not self._batch.transactions[0].identity
        return several and halves(self._batch) is not None

    def _tell(self) -> None:
        log.warning(
            "batch_conflicts",
            attempts=self.count,
            operations=self._batch.operations,
            bytes=sum(each.byte_size for each in self._batch.transactions),
            position=str(self._batch.checkpoint.position),
            remedy=REMEDY,
        )
