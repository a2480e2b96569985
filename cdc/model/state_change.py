"""Changes beside documents: writes that commit with a checkpoint, and cleared collections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from cdc.errors import RefusedEvent


@dataclass(frozen=True, slots=True)
class StateWrite:
    """One update of a document in `collection` of the state database.

    `change` is an update document, a replacement or an update pipeline. With `upsert` a missing
    document is created; without, a missing document is ignored. It may be sent again after a lost
    answer, so it must be idempotent.
    """

    collection: str
    query: Mapping[str, Any]
    change: Mapping[str, Any] | Sequence[Mapping[str, Any]]
    upsert: bool = False


@dataclass(frozen=True, slots=True)
class CollectionClear:
    """Remove the documents of `collection` that match `own`: they are one mapping's.

    With `marks`, fields to set, they stay and are marked, unless they are marked already: a time is
    the first one at which the row was gone. Nothing later may be applied before it is done, and it
    is idempotent. `table` is the table whose rows are gone, `schema.*` for all of a schema. With a
    `refusal` nothing is removed: it is raised if there is such a document, since an operator must
    decide.
    """

    collection: str
    own: Mapping[str, Any] = field(default_factory=dict)
    marks: Mapping[str, Any] = field(default_factory=dict)
    table: str = ""
    refusal: RefusedEvent | None = None

    @property
    def wanted(self) -> dict[str, Any]:
        """The filter of the documents that must still be removed or marked."""
        if not self.marks:
            return dict(self.own)
        unmarked = [{name: _other_than(value)} for name, value in self.marks.items()]
        return {**self.own, "$or": unmarked}


def _other_than(mark: object) -> dict[str, Any]:
    """Match documents without this mark; documents of existing rows may also hold the field."""
    return {"$not": {"$type": "date"}} if isinstance(mark, datetime) else {"$ne": mark}


class DdlEffect(NamedTuple):
    """The effect of a statement: clears first, then the writes together with the checkpoint.

    `kept` is what histories keep of it: the collection, the table and the action.
    """

    clears: tuple[CollectionClear, ...] = ()
    writes: tuple[StateWrite, ...] = ()
    kept: tuple[tuple[str, str, str], ...] = ()
