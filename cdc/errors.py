"""Errors, by the daemon's reaction.

CdcError
├── Retryable            wait and try again: a side is unreachable, a transaction was aborted
│   ├── TooEarly         try again at once: nothing is broken
│   └── NoMajority       the target's primary has a write, which may still be lost
├── RecordError          one row or document cannot be carried over
├── Defect               cdc itself is wrong: whatever was asked for fails, the stream goes on
├── LeaseHeld            another daemon of the name is active: stand by, or leave it alone
├── Fenced               another daemon of the name has taken over: stand by
├── RolledBack           the target has lost its end: take over anew
├── StaleConnection      the target was opened amid a failover: open it anew
├── Claimed              another stream has claimed a collection: look again, and say whose it is
└── Fatal                stop
    ├── UsageError       exit 2: the configuration or a mapping is wrong
    ├── Unfit            exit 3: the source or the target cannot be used as it is set up
    └── Halted           exit 4: going on would lose or invent data; a human decides

A class's docstring is its default message.
"""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import ClassVar, Final, Self

LINE: Final = 80
"""The letters of a remedy that stays on one line of a terminal."""


def raised(error: Exception) -> str:
    """Return what was raised and where, but not its text: that may hold a row's values."""
    tb = traceback.extract_tb(error.__traceback__)
    where = " < ".join(f"{Path(each.filename).name}:{each.lineno}" for each in reversed(tb))
    return f"{type(error).__name__} at {where}"


def _steps(remedy: str) -> str:
    """Return a remedy with each step on a line of its own, unless one line holds it all."""
    lines = remedy.splitlines()
    if len(remedy) > LINE:
        lines = [step for line in lines for step in line.replace("; ", ";\n").splitlines()]
    return "\n  ".join(lines)


class CdcError(Exception):
    """Something went wrong in cdc."""

    exit_code: ClassVar[int] = 1
    explained: ClassVar[bool] = False
    """Whether docs/reference/errors.md has more to say than the message: a command prints where."""

    def __init__(
        self,
        message: str | None = None,
        *,
        position: object = None,
        table: str | None = None,
        remedy: str | None = None,
    ) -> None:
        """Set what happened, where (`position`, `schema.table`), and what to type (`remedy`)."""
        self.message = message or (type(self).__doc__ or "").strip()
        self.position = position
        self.table = table
        self.remedy = remedy
        self.shown = self.message
        """The message for people, who see also excerpts of files in it."""
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.placed}\n  remedy: {self.remedy}" if self.remedy else self.placed

    @property
    def placed(self) -> str:
        """The message, and where."""
        where = [f"table {self.table}"] if self.table else []
        where += [f"position {self.position}"] if self.position is not None else []
        text = self.message
        if where:  # behind several lines it would be read as a part of the last
            place = ", ".join(where)
            text = f"{text}\n  at: {place}" if "\n" in text else f"{text} ({place})"
        return text

    def for_people(self) -> str:
        """Return the text for a terminal: each fact, and each step of a remedy, has its lines."""
        lines = [self.shown]
        lines += [f"  table: {self.table}"] if self.table else []
        lines += [f"  position: {self.position}"] if self.position is not None else []
        lines += [f"  remedy: {_steps(self.remedy)}"] if self.remedy else []
        return "\n".join(lines)


class Retryable(CdcError):
    """A side is unreachable for now."""


class TooEarly(Retryable):
    """The source does not show yet what its stream has delivered."""


class NoMajority(Retryable):
    """No majority of the target's members has the last write yet."""

    explained = True


class Defect(CdcError):
    """Something happened that cdc was not made for."""

    @classmethod
    def of(cls, error: Exception) -> Self:
        """Return a Defect that says what was raised, and where."""
        return cls(
            f"a defect of cdc: {raised(error)}",
            remedy="report it, with this line and the version",
        )


class RecordError(CdcError):
    """A row cannot be carried over."""

    def __init__(
        self,
        message: str | None = None,
        *,
        table: str | None = None,
        column: str = "",
        reason: str = "",
        row_id: bytes = b"",
        remedy: str | None = None,
    ) -> None:
        """Set also what the row failed on.

        `column` is a column, or the part of the mapping that failed; `reason` says why, without the
        value; `row_id` is the document's `_id`, type byte and value, empty if unknown.
        """
        super().__init__(message, table=table, remedy=remedy)
        self.column = column
        self.reason = reason
        self.row_id = row_id


class LeaseHeld(CdcError):
    """Another daemon of the same name is active."""


class Fenced(CdcError):
    """Another daemon of the same name has taken over."""


class RolledBack(CdcError):
    """The target has lost batches that no majority had."""


class StaleConnection(CdcError):
    """A connection to the target was opened amid a failover, and can run no transaction."""


class Claimed(CdcError):
    """Another stream has claimed a collection meanwhile."""


class Fatal(CdcError):
    """The daemon cannot go on."""

    explained = True


class UsageError(Fatal):
    """The configuration is wrong."""

    exit_code = 2
    explained = False


class NoWayBack(UsageError):
    """Rows cannot be found by their documents' ids: the job can never be done."""


class Unfit(Fatal):
    """The source or the target is not set up for replication."""

    exit_code = 3


class Halted(Fatal):
    """Going on would lose or invent data."""

    exit_code = 4


class PositionPurged(Halted):
    """The source no longer has the binlogs that follow the checkpoint."""


class SourceDiverged(Halted):
    """The checkpoint holds transactions that the source does not have."""

    lacking = False
    """Whether the source only lacks them: a replica may still get them."""

    @classmethod
    def by_lack(cls, message: str, *, position: object, remedy: str) -> Self:
        """Return the error of a source that lacks transactions."""
        error = cls(message, position=position, remedy=remedy)
        error.lacking = True
        return error


class UnknownEvent(Halted):
    """The binlog holds an event that cdc does not know."""


class RefusedEvent(Halted):
    """The binlog holds a change that cannot be carried over exactly."""


class Unmappable(Halted):
    """A followed table no longer fits its mapping."""


class Corrupted(Halted):
    """An event's bytes are damaged or cut short."""


class StateMissing(Halted):
    """The stream's state document vanished while the daemon ran."""


class WriteRefused(Halted):
    """The target refuses a document for good."""


class PublishRefused(Halted):
    """Kafka refuses a message for good."""


class TooManyDeadLetters(Halted):
    """More changes were set aside than `dead_letters.max` permits."""
