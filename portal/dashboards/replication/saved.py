"""What the state database tells of the stream, whether a daemon runs or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from django.conf import settings

from cdc import lease
from cdc.checkpoint import Checkpoint
from cdc.dead_letters import DEAD_LETTERS, LetterState
from cdc.writers.state import STREAMS
from portal.replicated import Document, Documents

LETTERS_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Saved:
    """The stream's checkpoint and lease.

    `now` is the target's clock. `holder` is who holds the lease, None where nobody does;
    `lapsed_at` is when it lost its holder, who has not given it back. `tables` are those that the
    stream keeps equal, as `schema.table`.
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
        owner, until = lease.holder(document), document.get("lease_until")
        return cls(
            now=document["now"],
            position=str(Checkpoint.from_document(document).position),
            committed_at=document.get("committed_at"),
            updated_at=document.get("updated_at"),
            holder=str(owner) if owner else None,
            lapsed_at=min(until, document["now"]) if until and owner is None else None,
            tables=tuple(sorted({each.rpartition(" ")[0] for each in document.get("covered", ())})),
        )


def saved(state: Documents) -> Saved | None:
    """Return what is saved of the stream, None before its first start."""
    pipeline = [{"$match": {"_id": settings.CDC_NAME}}, {"$set": {"now": "$$NOW"}}]
    document = next(iter(state[STREAMS].aggregate(pipeline)), None)
    return Saved.from_document(document) if document else None


def letters(state: Documents) -> tuple[int, list[Document]]:
    """Return how many dead letters are open, and the latest of them without their rows."""
    query = {"stream": settings.CDC_NAME, "state": LetterState.OPEN.value}
    found = state[DEAD_LETTERS]
    shown = dict.fromkeys(
        ("table", "collection", "action", "reason", "column", "last_at", "count"), True
    )
    latest = found.find(query, shown).sort("last_at", -1).limit(LETTERS_SHOWN)
    return found.count_documents(query), [*latest]
