"""Decides who must have a batch before the next one begins: the primary, or a majority.

See docs/architecture.md, "Commits that no majority has yet".
"""

from __future__ import annotations

import time
from typing import Final

from pymongo.write_concern import WriteConcern

from cdc.model.batch import Batch
from cdc.model.first_copy import RANGES
from cdc.model.job import JOBS
from cdc.writers.concerns import MAJORITY, PRIMARY

_PROGRESS: Final = frozenset({JOBS, RANGES})

SETTLE_SECONDS: Final = 0.5
"""The longest time for which batches land on the primary alone."""


class Durability:
    """Knows whether the last batch can still be rolled back."""

    def __init__(self) -> None:
        self._one_oplog = False
        self._at_risk = False
        self._settled_at = 0.0

    def begin(self, *, one_oplog: bool) -> None:
        """Begin anew at what a majority has.

        Only with `one_oplog`, not behind mongos, does a rollback take whole batches from the end.
        """
        self._one_oplog = one_oplog
        self.settled()

    def concern(self, batch: Batch, *, letters: bool) -> WriteConcern:
        """Return who must have a batch; `letters`: some are open, or it changes some.

        Only what a takeover reads anew may be rolled back: documents, the position, and how far a
        job or a range has come.
        """
        if not batch.is_filled or not self._one_oplog or letters:
            return MAJORITY
        if batch.clears or batch.changes_schema:
            return MAJORITY
        is_progress = all(each.collection in _PROGRESS for each in batch.writes)
        return PRIMARY if is_progress else MAJORITY

    def landed(self, concern: WriteConcern) -> None:
        """Note that a batch was committed with this concern."""
        if concern is PRIMARY:
            self._at_risk = True
        else:
            self.settled()

    def settled(self) -> None:
        """Note that a majority has all that was committed."""
        self._at_risk = False
        self._settled_at = time.monotonic()

    @property
    def is_at_risk(self) -> bool:
        """Whether what was committed last can be rolled back."""
        return self._at_risk

    @property
    def is_due(self) -> bool:
        """Whether it is time to wait for a majority."""
        return self._at_risk and time.monotonic() - self._settled_at >= SETTLE_SECONDS
