"""Shows the stream's open dead letters without their rows, and has them retried or discarded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings

from cdc.model.dead_letter import DEAD_LETTERS, LetterState
from cdc.model.job import Job, JobKind, Options
from portal.dashboards.replication import jobs
from portal.dashboards.replication.jobs import Refused
from portal.mongodb import Document, Documents
from portal.typed import date, text, whole

SHOWN: Final = 10
ALL: Final = "all"
"""Said instead of a letter's id: every open one."""

MOST_AT_ONCE: Final = 5_000
"""The letters that are retried at once: a job's document, of 16 MB, holds the keys of a table's."""

_GONE: Final = "This dead letter is not open any more."
_WITHOUT_KEY: Final = (
    "This dead letter does not tell its row: no id could be made of it. "
    "Change the row in MySQL, which carries it over; then discard the letter."
)


@dataclass(frozen=True, slots=True)
class Letter:
    """An open letter for display, whatever its document holds: nothing of the row but its id."""

    id: str
    table: str
    collection: str
    key: Any
    path: str
    action: str
    reason: str
    column: str
    error: str
    last_at: datetime | None
    count: int | None

    @property
    def document(self) -> Document:
        """The document that it is about, as findings name theirs."""
        return {"_id": self.key}

    @property
    def can_be_retried(self) -> bool:
        """Whether it tells its row."""
        return self.key is not None and bool(self.table and self.collection)


_FIELDS: Final = dict.fromkeys(Letter.__slots__, True)


def latest(state: Documents) -> tuple[int, list[Letter]]:
    """Return the number of open letters, and the latest of them."""
    query = {"stream": settings.CDC_NAME, "state": LetterState.OPEN.value}
    found = state[DEAD_LETTERS]
    shown = found.find(query, _FIELDS).sort("last_at", -1).limit(SHOWN)
    return found.count_documents(query), [_letter(each) for each in shown]


def one(state: Documents, identity: str) -> Letter:
    """Return an open letter; raises Refused if there is none with this id."""
    query = {"_id": identity, "stream": settings.CDC_NAME, "state": LetterState.OPEN.value}
    found = state[DEAD_LETTERS].find_one(query, _FIELDS)
    if found is None:
        raise Refused(_GONE)
    return _letter(found)


def retry(state: Documents, identity: str, *, by: str) -> list[Job]:
    """Request the jobs of `cdc dead-letters retry` for a letter, or for MOST_AT_ONCE open ones.

    Raises Refused if there is nothing to request: such a job is open, or no row is told.
    """
    chosen = _chosen(state, identity)
    found = [each for each in chosen if each.can_be_retried]
    if not found:
        nothing = "No dead letter is open any more." if identity == ALL else _GONE
        raise Refused(_WITHOUT_KEY if chosen else nothing)
    asked, refusals = [], []
    for job in _jobs(found, by):
        try:
            asked.append(jobs.request(state, job))
        except Refused as refused:
            refusals.append(refused)
    if not asked:
        raise refusals[0]
    return asked


def discard(state: Documents, identity: str, *, by: str) -> None:
    """Discard an open letter, as `cdc dead-letters discard` does; its document says by whom.

    Raises Refused if it is not open any more.
    """
    query = {"_id": identity, "stream": settings.CDC_NAME, "state": LetterState.OPEN.value}
    change = {
        "state": LetterState.DISCARDED.value,
        "resolved_at": "$$NOW",
        "discarded_by": {"$literal": by},
    }
    if not state[DEAD_LETTERS].update_one(query, [{"$set": change}]).matched_count:
        raise Refused(_GONE)


def _chosen(state: Documents, identity: str) -> list[Letter]:
    query = {"stream": settings.CDC_NAME, "state": LetterState.OPEN.value}
    if identity != ALL:
        query["_id"] = identity
    found = state[DEAD_LETTERS].find(query, _FIELDS).limit(MOST_AT_ONCE)
    return [_letter(each) for each in found]


def _jobs(letters: Iterable[Letter], by: str) -> list[Job]:
    """Return a job for each table and collection."""
    homes: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for each in letters:
        homes[each.table, each.collection].append(each.key)
    return [
        Job.request(
            settings.CDC_NAME,
            JobKind.RETRY,
            table,
            by=by,
            options=Options(target=collection, ids=tuple(keys)),
        )
        for (table, collection), keys in sorted(homes.items())
    ]


def _letter(document: Document) -> Letter:
    texts = ("table", "collection", "path", "action", "reason", "column", "error")
    return Letter(
        id=str(document["_id"]),
        key=document.get("key"),
        last_at=date(document.get("last_at")),
        count=whole(document.get("count")),
        **{name: text(document.get(name)) for name in texts},
    )
