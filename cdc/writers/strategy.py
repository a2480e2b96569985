"""Decides how a batch is sent, and what follows if the target refuses it; sends nothing.

The strategies are a ladder. Plain inserts are the quickest. A duplicate key shows that the target
already has a row's document; upserts are right then. They write each key's last state, and two such
states may collide in a unique index in which the rows never did. Then the batch is sent operation
by operation, as the source did it. If the target refuses that too, the document is at fault.

What is embedded climbs no ladder: a value that the target refuses is left out, once it is known of
which document, and what makes a transaction too large is owed before the batch is cut.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from cdc.errors import CdcError, WriteRefused
from cdc.model.batch import Batch
from cdc.model.operation import Operation
from cdc.writers.conflicts import ConflictBudget, Conflicts, MustSplit
from cdc.writers.dead_letters.quarantine import quarantine
from cdc.writers.embedding.terms import NOTHING_AT_ONCE, Terms, Unembeddable
from cdc.writers.errors import DUPLICATE_KEY, Refused, RefusedTogether, TooLarge
from cdc.writers.split import halves
from cdc.writers.strays import Strays

INSERT_AGAIN_AFTER: Final = 20
"""The number of upsert batches after which inserts are tried again."""


class WriteStrategy(Enum):
    """How a batch is put into commands; each works in more cases than the last, and is slower."""

    INSERT = "insert"
    UPSERT = "upsert"
    """Each key's last state, whatever the target holds."""
    ORDERED = "ordered"
    """Operation by operation, as the source did it."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send the batch with this strategy, on these terms; `conflicts` are those that it has met.

    Before all else the documents of `strays` go, each with its collection.
    """

    batch: Batch
    strategy: WriteStrategy
    conflicts: Conflicts = field(compare=False)
    terms: Terms = NOTHING_AT_ONCE
    strays: tuple[tuple[str, Operation], ...] = ()


@dataclass(frozen=True, slots=True)
class SendHalves:
    """Send the batch as two, in turn; `why` are the server's words."""

    batch: Batch
    halves: tuple[Batch, Batch]
    why: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Stop with this error: an operator must decide."""

    error: CdcError


WriteFailure = Refused | RefusedTogether | TooLarge | MustSplit | Unembeddable | Strays
FAILURES: Final = (Refused, RefusedTogether, TooLarge, MustSplit, Unembeddable, Strays)
"""The classes of WriteFailure."""

Decision = Send | SendHalves | GiveUp


class WriteDecider:
    """Decides for one batch after the other, with what it learned from earlier ones."""

    def __init__(self, terms: Terms = NOTHING_AT_ONCE) -> None:
        """Begin each batch on these terms."""
        self._terms = terms
        self._upserts_left = 0
        self._budget = ConflictBudget()

    def begin(self, batch: Batch) -> Send:
        """Return how to send a batch first."""
        return Send(batch, self._first_strategy(), self._budget.begin(batch), self._terms)

    def _first_strategy(self) -> WriteStrategy:
        if self._upserts_left:
            self._upserts_left -= 1
            return WriteStrategy.UPSERT
        return WriteStrategy.INSERT

    def after(self, sent: Send, failure: WriteFailure) -> Decision:
        """Return what to do after the target has refused what was sent."""
        if isinstance(failure, Refused):
            return self._refused(sent, failure)
        if isinstance(failure, Strays):
            more = ((failure.collection, each) for each in failure.operations)
            return replace(sent, strays=(*sent.strays, *more))
        if isinstance(failure, Unembeddable):
            return replace(sent, terms=sent.terms.without(failure))
        if isinstance(failure, RefusedTogether):
            return replace(sent, terms=sent.terms.each_apart())
        if sent.terms.at_once:
            return replace(sent, terms=sent.terms.owing())
        if isinstance(failure, MustSplit):
            self._budget.note_cut()
        return _cut(sent.batch, failure)

    def _refused(self, sent: Send, refused: Refused) -> Send | GiveUp:
        if refused.code == DUPLICATE_KEY and sent.strategy is WriteStrategy.INSERT:
            self._upserts_left = INSERT_AGAIN_AFTER
            return replace(sent, strategy=WriteStrategy.UPSERT)
        if refused.code == DUPLICATE_KEY and sent.strategy is WriteStrategy.UPSERT:
            return replace(sent, strategy=WriteStrategy.ORDERED)
        return _set_aside(sent, refused)


def _set_aside(sent: Send, refused: Refused) -> Send | GiveUp:
    """Quarantine the refused row, if its mapping says so."""
    in_order = sent.strategy is WriteStrategy.ORDERED
    try:
        batch = quarantine(sent.batch, refused, in_order=in_order)
    except WriteRefused as error:
        return GiveUp(error)
    return replace(sent, batch=batch, terms=sent.terms.anew(refused))


def _cut(batch: Batch, failure: TooLarge | MustSplit) -> SendHalves | GiveUp:
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
