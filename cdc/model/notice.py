"""What somebody is told of beside the log: values that cross from a stream to who delivers them.

A notice names tables, collections, positions and counts. It never holds a row's values.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol

from cdc.model.telemetry import NoticeStats


class NoticeEvent(StrEnum):
    """What has happened."""

    SCHEMA_CHANGE = "schema_change"
    """A statement on a followed table had an effect on the documents, or asks for a resync."""
    DEAD_LETTER = "dead_letter"
    """Rows could not be carried over, and were set aside."""
    HALT = "halt"
    """The daemon has ended by itself."""
    LAG = "lag"
    """The stream has come to be behind by more than the threshold, or has caught up again."""
    JOB = "job"
    """A backfill, resync, verification or retry is done, or has failed."""
    TEST = "test"
    """Somebody asked for it, to see whether it arrives."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice; `details` are its facts, `summary` says them to people in a line."""

    event: NoticeEvent
    summary: str
    details: Mapping[str, Any]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


Tell = Callable[[Notice], None]
"""Takes a notice at once, from any thread."""


def tell_nobody(_: Notice) -> None:
    """Forget a notice."""


class Notices(Protocol):
    """Takes notices, and tells what became of them; from any thread."""

    def tell(self, notice: Notice) -> None:
        """Take a notice, without waiting for anything."""
        ...

    def stats(self) -> NoticeStats:
        """Return the counts since the process started."""
        ...
