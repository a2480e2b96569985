"""Decides how a batch is sent, and what follows where the target does not take it; sends nothing.

The strategies are a ladder. Plain inserts are the quickest. A duplicate key shows that the target
has a row's document already: upserts are right all the same. They write each key's last state, and
two such states may meet in a unique index in which the rows never met: then the batch is sent
operation by operation, as the source did it. What is refused after that is the document's fault.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from cdc.errors import CdcError, WriteRefused
from cdc.model.batch import Batch
from cdc.writers.conflicts import Conflicts, Crowded, Patience
from cdc.writers.dead_letters.quarantine import quarantine
from cdc.writers.errors import DUPLICATE_KEY, Refused, TooLarge
from cdc.writers.split import halves

INSERT_AGAIN_AFTER: Final = 20
"""After how many batches sent as upserts to try inserts again."""


class WriteStrategy(Enum):
    """How a batch is put into commands; each is right in more cases, and slower, than the last."""

    INSERT = "insert"
    UPSERT = "upsert"
    """Each key's last state, whatever the target holds."""
    ORDERED = "ordered"
    """Operation by operation, as the source did it."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send the batch so. `conflicts` are those that it has met."""

    batch: Batch
    strategy: WriteStrategy
    conflicts: Conflicts = field(compare=False)


@dataclass(frozen=True, slots=True)
class SendHalves:
    """Send the batch as two, one after the other; `why` are the server's words."""

    batch: Batch
    halves: tuple[Batch, Batch]
    why: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Stop with this error: a human must decide."""

    error: CdcError


WriteFailure = Refused | TooLarge | Crowded
Decision = Send | SendHalves | GiveUp


class WriteLadder:
    """Decides for one batch after the other, by what those before it have met."""

    def __init__(self) -> None:
        self._upserts_left = 0
        self._patience = Patience()

    def begin(self, batch: Batch) -> Send:
        """Return how to send a batch first."""
        return Send(batch, self._first_strategy(), self._patience.of(batch))

    def _first_strategy(self) -> WriteStrategy:
        if self._upserts_left:
            self._upserts_left -= 1
            return WriteStrategy.UPSERT
        return WriteStrategy.INSERT

    def after(self, sent: Send, failure: WriteFailure) -> Decision:
        """Return what to do now that the target has not taken what was sent."""
        if isinstance(failure, Refused):
            return self._refused(sent, failure)
        if isinstance(failure, Crowded):
            self._patience.lost()
        return _cut(sent.batch, failure)

    def _refused(self, sent: Send, refused: Refused) -> Send | GiveUp:
        if refused.code == DUPLICATE_KEY and sent.strategy is WriteStrategy.INSERT:
            self._upserts_left = INSERT_AGAIN_AFTER
            return replace(sent, strategy=WriteStrategy.UPSERT)
        if refused.code == DUPLICATE_KEY and sent.strategy is WriteStrategy.UPSERT:
            return replace(sent, strategy=WriteStrategy.ORDERED)
        return _set_aside(sent, refused)


def _set_aside(sent: Send, refused: Refused) -> Send | GiveUp:
    """Leave the refused row out, as a dead letter, where its mapping says so."""
    in_order = sent.strategy is WriteStrategy.ORDERED
    try:
        return replace(sent, batch=quarantine(sent.batch, refused, in_order=in_order))
    except WriteRefused as error:
        return GiveUp(error)


def _cut(batch: Batch, failure: TooLarge | Crowded) -> SendHalves | GiveUp:
    two = halves(batch)
    if two is not None:
        return SendHalves(batch, two, str(failure))
    return GiveUp(
        CdcError(
            f"the target cannot hold a single change in one transaction: {failure}",
            position=batch.checkpoint.position,
            remedy="give mongod a larger cache: storage.wiredTiger.engineConfig.cacheSizeGB",
        )
    )
