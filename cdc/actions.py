"""What a schema change of the source asks of the target, beside operations on documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cdc.errors import RefusedEvent


@dataclass(frozen=True, slots=True)
class Clear:
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
