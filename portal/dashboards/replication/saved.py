"""The stream's facts in the state database, whether or not a daemon runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from django.conf import settings

from cdc.errors import CdcError
from cdc.model import lease
from cdc.model.checkpoint import Checkpoint
from cdc.model.dead_letter import DEAD_LETTERS, LetterState
from cdc.model.table_name import table_and_target
from cdc.writers.stream_state import STREAMS
from portal.mongodb import Document, Documents
from portal.typed import date, text, whole

LETTERS_SHOWN: Final = 10
NOT_AS_WRITTEN: Final = (LookupError, TypeError, ValueError, AttributeError, OverflowError)
"""The errors of reading a document that somebody has edited."""


@dataclass(frozen=True, slots=True)
class Saved:
    """The stream's checkpoint and lease.

    `now` is the target's clock. `holder` holds the lease, None if nobody does; `lapsed_at` is when
    an unreleased lease expired. `tables` are those that the stream keeps equal, as `schema.table`.
    """

    now: datetime
    position: str
    committed_at: datetime | None
    updated_at: datetime | None
    holder: str | None
    lapsed_at: datetime | None
    tables: tuple[str, ...]

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
            tables=tuple(sorted(set(_tables(document)))),
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


def _tables(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the tables of the copies, each `table target`: both names may hold spaces."""
    covered, entries = document.get("covered"), document.get("mappings")
    targets = {
        text(each.get("target"))
        for each in (entries if isinstance(entries, list) else ())
        if isinstance(each, dict)
    }
    for copy in map(text, covered if isinstance(covered, list) else ()):
        splits = [*table_and_target(copy)]
        known = [table for table, target in splits if target in targets]
        yield from known[:1] or [table for table, _ in splits[-1:]]


def saved(state: Documents) -> Saved | None:
    """Return the saved facts of the stream; None before its first start."""
    pipeline = [{"$match": {"_id": settings.CDC_NAME}}, {"$set": {"now": "$$NOW"}}]
    document = next(iter(state[STREAMS].aggregate(pipeline)), None)
    return Saved.from_document(document) if document else None


def letters(state: Documents) -> tuple[int, list[Document]]:
    """Return the number of open dead letters, and the latest of them without their rows."""
    query = {"stream": settings.CDC_NAME, "state": LetterState.OPEN.value}
    found = state[DEAD_LETTERS]
    shown = dict.fromkeys(
        ("table", "collection", "action", "reason", "column", "last_at", "count"), True
    )
    latest = found.find(query, shown).sort("last_at", -1).limit(LETTERS_SHOWN)
    return found.count_documents(query), [_letter(each) for each in latest]


def _letter(document: Document) -> Document:
    """Return a letter for display, whatever its document holds."""
    texts = ("table", "collection", "action", "reason", "column")
    return {
        **{name: text(document.get(name)) for name in texts},
        "last_at": date(document.get("last_at")),
        "count": whole(document.get("count")),
    }
