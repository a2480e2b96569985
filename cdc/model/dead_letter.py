"""Dead letters: changes that cannot be carried over, kept with their row; the stream continues.

A letter is a document in the state database's `dead_letters`. At most one is open for a document of
the target: its `_id` derives from the key, so a further failure, or a resend, finds the same one.
Beside it, one may be open for each value that the document embeds and that does not fit in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple, Self

from cdc.errors import RecordError
from cdc.model.transaction import RowsKind

DEAD_LETTERS: Final = "dead_letters"
"""The collection of the state database."""


class Reason(StrEnum):
    """Why a change became a dead letter."""

    VALUE = "value"
    """BSON, or the mapping, cannot hold a value of the row."""
    TOO_LARGE = "too_large"
    """The document is larger than MongoDB permits."""
    NESTING = "nesting"
    """It is nested deeper than MongoDB permits."""
    VALIDATOR = "validator"
    """The collection's validator refuses it."""
    DUPLICATE = "duplicate"
    """Another document has its key under a unique index."""
    INDEX = "index"
    """An index of the collection cannot hold it."""
    REFUSED = "refused"
    """The target refuses it for another reason."""


class LetterState(StrEnum):
    """The state of a letter."""

    OPEN = "open"
    RESOLVED = "resolved"
    """The document was written, or removed, since."""
    DISCARDED = "discarded"
    """Somebody has decided that it does not matter."""


@dataclass(frozen=True, slots=True)
class FailedRow:
    """A row that cannot be mapped.

    `id` is its document's `_id` as in an `Operation`, empty if it is unknown. `document` holds the
    part of the row that can be mapped, without what the mapping masks or excludes.
    `operations_before` counts the operations of its event that come before it.
    """

    error: RecordError
    kind: RowsKind
    id: bytes
    document: bytes
    operations_before: int = 0


class Failure(NamedTuple):
    """A change of one row that does not reach the target.

    `operations_before`: how many operations of the same rows event come before it. `action`:
    `insert`, `update` or `delete`. `id` and `document` are as in `Operation`: the id is empty if it
    is unknown; the document holds the part of the row that can be mapped, without what the mapping
    masks or excludes. `error` explains the reason, without the value.
    """

    operations_before: int
    action: str
    id: bytes
    document: bytes
    reason: Reason
    error: str
    column: str = ""


class Origin(NamedTuple):
    """The origin of operations on a collection: the rows event `ordinal` of `table`.

    `kind` is the event's. `halts`: a row that cannot be carried over stops the stream. `failures`:
    the rows that became dead letters instead, in order. `rows` as in `Inflight`, up to the event's
    end. `is_history`: the operations keep the changes of its rows, and not the rows.
    """

    table: str = ""
    halts: bool = True
    ordinal: int = 0
    failures: tuple[Failure, ...] = ()
    kind: RowsKind = RowsKind.INSERT
    rows: tuple[tuple[str, int], ...] = ()
    is_history: bool = False

    def of_chunk(self, failures: Iterable[Failure]) -> Origin:
        """Return it for a chunk, of whose rows these failed; they are in no order with others."""
        return self._replace(
            failures=tuple(each._replace(operations_before=0) for each in failures)
        )


UNKNOWN: Final = Origin()


def failures(rows: Sequence[FailedRow]) -> tuple[Failure, ...]:
    """Return the failures of rows that a plan could not map."""
    return tuple(
        [
            Failure(
                row.operations_before,
                row.kind.value,
                row.id,
                row.document,
                Reason.VALUE,
                row.error.message,
                row.error.column,
            )
            for row in rows
        ]
    )


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A letter as it is stored.

    `key` is the document's `_id`, None if unknown. `transaction` is the source's name for it, GTID
    or `file:offset`, empty for a row that was copied; `position` is the one before it. `row` is the
    mapped document as Extended JSON, of `row_bytes` in BSON; `truncated`: only a part of it is
    here. `count`: how often it failed since `first_at`. `path`: what is missing is the value that
    the document embeds there; empty if it is all of the row.
    """

    id: str
    state: LetterState
    table: str
    collection: str
    key: Any
    action: str
    transaction: str
    position: str
    reason: Reason
    column: str
    error: str
    row: str
    row_bytes: int
    truncated: bool
    first_at: datetime
    last_at: datetime
    count: int
    path: str

    @property
    def has_key(self) -> bool:
        """Whether its document is known."""
        return self.key is not None

    def to_document(self) -> dict[str, Any]:
        """Return it for display."""
        document = {name: getattr(self, name) for name in DeadLetter.__slots__}
        return {**document, "state": self.state.value, "reason": self.reason.value}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Parse a stored letter."""
        known: dict[str, Any] = {name: document.get(name) for name in cls.__slots__}
        known["state"] = LetterState(document["state"])
        known["reason"] = Reason(document["reason"])
        known["id"] = str(document["_id"])
        known["path"] = document.get("path") or ""
        return cls(**known)
