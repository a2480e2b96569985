"""Names the steps of a writer at which a test may observe it.

The tests of crashes pass in an observer that ends the process at a step, or that writes a proof
beside a batch of how often it was applied.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Final, Protocol

from pymongo.client_session import ClientSession
from pymongo.database import Database

from cdc.model.batch import Batch


class WriteStep(Enum):
    """The steps of a batch, and of clearing a collection."""

    BEFORE_TRANSACTION = "before_transaction"
    AFTER_FIRST_WRITE = "after_first_write"
    """The checkpoint is written and not committed; without transactions it comes last."""
    BEFORE_COMMIT = "before_commit"
    AFTER_COMMIT = "after_commit"
    IN_PIECE = "in_piece"
    """Documents are removed, and their transaction is not committed."""
    AFTER_PIECE = "after_piece"


class LaneStep(Enum):
    """The steps of a round, beside those of a batch."""

    IN_PART = "in_part"
    """A lane has sent its part, and its transaction is not committed."""
    AFTER_PART = "after_part"
    """A lane has committed its part; others may not have."""
    BEFORE_CLOSE = "before_close"
    """All parts are committed; the stream's document does not say so."""
    LANES_CLOSED = "lanes_closed"
    """The lanes write no more; the stream's document does not say what they have written."""


class PublishStep(Enum):
    """The steps of a batch's messages, which go before it."""

    BEFORE_COMMIT = "before_publish_commit"
    """All are sent to Kafka, and not committed."""
    AFTER_COMMIT = "after_publish_commit"


Step = WriteStep | LaneStep | PublishStep


class WriteObserver(Protocol):
    """Observes a writer, on the thread that writes: the stream's own, or a lane's."""

    def reached(self, step: Step) -> None:
        """Observe that the writer is at a step."""
        ...

    def wrote(
        self, batch: Batch, state_database: Database[dict[str, Any]], session: ClientSession | None
    ) -> None:
        """Observe that a batch's writes are sent: writes in `session` commit with them."""
        ...


class _Nobody:
    """Observes nothing."""

    def reached(self, step: Step) -> None:
        """Do nothing."""

    def wrote(
        self, batch: Batch, state_database: Database[dict[str, Any]], session: ClientSession | None
    ) -> None:
        """Do nothing."""


UNOBSERVED: Final[WriteObserver] = _Nobody()
