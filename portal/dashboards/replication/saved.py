"""The stream's facts in the state database, whether or not a daemon runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from django.conf import settings

from cdc.errors import CdcError
from cdc.model import lease
from cdc.model.checkpoint import STREAMS, Checkpoint
from cdc.model.last_end import LastEnd
from cdc.model.table_name import table_and_target
from portal.mongodb import Documents
from portal.typed import date, text

NOT_AS_WRITTEN: Final = (LookupError, TypeError, ValueError, AttributeError, OverflowError)
"""The errors of reading a document that somebody has edited."""


@dataclass(frozen=True, slots=True)
class Saved:
    """The stream's checkpoint and lease.

    `now` is the target's clock. `holder` holds the lease, None if nobody does; `lapsed_at` is when
    an unreleased lease expired. `copies` are the tables that the stream keeps equal, as
    `schema.table`, with the collections that they go to. `last_end` is what has ended the daemon
    whose lease nobody holds; None if it was stopped, or killed.
    """

    now: datetime
    position: str
    committed_at: datetime | None
    updated_at: datetime | None
    holder: str | None
    lapsed_at: datetime | None
    copies: Mapping[str, tuple[str, ...]]
    last_end: LastEnd | None = None

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables, in their order."""
        return tuple(self.copies)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read the stream's document, with the target's clock as `now`."""
        owner, until = _holder(document), date(document.get("lease_until"))
        return cls(
            now=document["now"],
            position=_position(document),
            committed_at=date(document.get("committed_at")),
            updated_at=date(document.get("updated_at")),
            holder=str(owner) if owner else None,
            lapsed_at=min(until, document["now"]) if until and owner is None else None,
            copies=_by_table(_copies(document)),
            last_end=None if owner else LastEnd.of(document),
        )


def _position(document: Mapping[str, Any]) -> str:
    """Return the checkpoint's position, empty if it is none."""
    try:
        return str(Checkpoint.from_document(document).position)
    except (*NOT_AS_WRITTEN, CdcError):
        return ""


def _holder(document: Mapping[str, Any]) -> lease.Owner | None:
    """Return the holder of the lease; None also if it is unknown."""
    try:
        return lease.holder(document)
    except NOT_AS_WRITTEN:
        return None


def _by_table(copies: Iterator[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for table, target in sorted(set(copies)):
        found[table] = (*found.get(table, ()), target)
    return found


def _copies(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the copies, each stored as `table target`: both names may hold spaces."""
    covered, entries = document.get("covered"), document.get("mappings")
    targets = {
        text(each.get("target"))
        for each in (entries if isinstance(entries, list) else ())
        if isinstance(each, dict)
    }
    for copy in map(text, covered if isinstance(covered, list) else ()):
        splits = [*table_and_target(copy)]
        known = [(table, target) for table, target in splits if target in targets]
        yield from known[:1] or splits[-1:]


def saved(state: Documents) -> Saved | None:
    """Return the saved facts of the stream; None before its first start."""
    pipeline = [{"$match": {"_id": settings.CDC_NAME}}, {"$set": {"now": "$$NOW"}}]
    document = next(iter(state[STREAMS].aggregate(pipeline)), None)
    return Saved.from_document(document) if document else None
