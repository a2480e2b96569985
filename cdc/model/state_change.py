"""What moves beside documents: writes that commit with a checkpoint, collections cleared before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from cdc.errors import RefusedEvent


@dataclass(frozen=True, slots=True)
class StateWrite:
    """One update of a document in `collection` of the state database.

    `change` is an update document, a replacement or an update pipeline. With `upsert` a document
    that does not match `query` is made; without, nothing happens then. It may be sent again after a
    lost answer, so it must do the same when it is applied twice.
    """

    collection: str
    query: Mapping[str, Any]
    change: Mapping[str, Any] | Sequence[Mapping[str, Any]]
    upsert: bool = False


@dataclass(frozen=True, slots=True)
class CollectionClear:
    """Take away the documents of `collection` that match `own`: they are one mapping's.

    With `marks`, fields to set, they stay and are marked, as far as they are not marked yet: a time
    is the first one at which the row was gone.
    Before it is done nothing later may be applied, and doing it again changes nothing. `table` is
    the one whose rows are gone, `schema.*` for all of a schema. With a `refusal` nothing is taken
    away: it is raised where there is such a document, for a human decides on it.
    """

    collection: str
    own: Mapping[str, Any] = field(default_factory=dict)
    marks: Mapping[str, Any] = field(default_factory=dict)
    table: str = ""
    refusal: RefusedEvent | None = None

    @property
    def wanted(self) -> dict[str, Any]:
        """The filter of the documents that are still to be taken away."""
        if not self.marks:
            return dict(self.own)
        unmarked = [{name: _other_than(value)} for name, value in self.marks.items()]
        return {**self.own, "$or": unmarked}


def _other_than(mark: object) -> dict[str, Any]:
    """Match what is not marked so; documents of rows that are there may hold the field, too."""
    return {"$not": {"$type": "date"}} if isinstance(mark, datetime) else {"$ne": mark}


class DdlEffect(NamedTuple):
    """What a statement asks for: clears first, then the writes together with the checkpoint."""

    clears: tuple[CollectionClear, ...] = ()
    writes: tuple[StateWrite, ...] = ()
