"""Requests work on whole tables from the daemon, by inserting jobs, and shows their progress."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.conf import settings

from cdc.errors import CdcError
from cdc.model.job import ENDED, JOBS, Job, JobKind, JobState, Phase, read
from cdc.writers.jobs import Jobs
from portal.mongodb import Document, Documents

ASKED_FOR: Final = (JobKind.RESYNC, JobKind.VERIFY)
"""The kinds of jobs that have buttons on the page."""

SHOWN: Final = 12
FINDINGS_SHOWN: Final = 20
_OPEN: Final = frozenset(each.value for each in set(JobState) - ENDED)
_ENDED: Final = [each.value for each in ENDED]
_COUNTS: Final = (
    *("rows", "written", "searched", "to_search", "removed", "missing", "extra", "different"),
    *("repaired", "unsettled", "owed"),
)
_NEVER_SHOWN: Final = {"progress.cursor": False, "progress.pending": False, "options.ids": False}
_IDS: Final = uuid.UUID("7a3c1f52-6a57-4b1a-9d0e-0d8f6a0f3c11")


class Refused(Exception):
    """A request that is refused; the message is for whoever made it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A job for display; `now` is this host's clock."""

    job: Job
    now: datetime

    @property
    def is_open(self) -> bool:
        """Whether it may still do something."""
        return self.job.state not in ENDED

    @property
    def is_searching(self) -> bool:
        """Whether it has finished the rows, and looks for documents without any."""
        progress = self.job.progress
        return self.is_open and progress is not None and progress.phase is Phase.DOCUMENTS

    @property
    def total(self) -> int | None:
        """About how many rows there are; the server's estimate is raised to what was read."""
        progress = self.job.progress
        return max(progress.total, progress.rows) if progress and progress.total else None

    @property
    def to_search(self) -> int | None:
        """About how many documents it checks after the rows."""
        progress = self.job.progress
        if progress is None or not progress.to_search:
            return None
        return max(progress.to_search, progress.searched)

    @property
    def rows_per_second(self) -> float | None:
        """The pace since the job began, while it runs."""
        seconds = self._seconds()
        return self.job.progress.rows / seconds if seconds and self.job.progress else None

    @property
    def seconds_left(self) -> float | None:
        """The time for the rest of the rows at that pace."""
        pace, total = self.rows_per_second, self.total
        if not pace or not total or not self.job.progress or self.is_searching:
            return None
        return (total - self.job.progress.rows) / pace

    @property
    def began_at(self) -> datetime | None:
        """When a daemon began it; None while it waits."""
        return self.job.progress.started_at if self.job.progress else None

    @property
    def took_seconds(self) -> float | None:
        """How long it has taken so far, or took; None while it waits."""
        running = self._seconds()
        if running is not None or not self.job.progress:
            return running
        seconds = self.job.progress.seconds
        return float(seconds) if isinstance(seconds, int | float) else None

    @property
    def ended_at(self) -> datetime | None:
        """When it ended; None while it has not, or if nobody can tell."""
        took = self.took_seconds
        if self.is_open or self.began_at is None or took is None:
            return None
        return self.began_at + timedelta(seconds=took)

    @property
    def word(self) -> str:
        """Its state in a word or two, or the result of a verification."""
        progress = self.job.progress
        if (
            self.job.kind is not JobKind.VERIFY
            or self.job.state is not JobState.DONE
            or not progress
        ):
            return self.job.state.value
        if self._left:
            return f"{self._left:,} differ{'s' if self._left == 1 else ''}"
        return "not settled" if progress.unsettled or progress.owed else "equal"

    @property
    def level(self) -> str:
        """The class of its badge."""
        if self.job.state is JobState.FAILED or self._left:
            return "bad"
        if self.job.state is JobState.DONE:
            return "warning" if self.word == "not settled" else "good"
        return "warning" if self.job.state is JobState.PAUSED else ""

    @property
    def _left(self) -> int:
        """The number of differences that were found and not repaired."""
        progress = self.job.progress
        return progress.differences - progress.repaired if progress else 0

    def _seconds(self) -> float | None:
        if self.job.state is not JobState.RUNNING or self.job.progress is None:
            return None
        return (self.now - self.job.progress.started_at).total_seconds()


def shown(state: Documents) -> list[Shown]:
    """Return the open jobs and the latest others, the newest first."""
    opened = _found(state, {"state": {"$nin": _ENDED}})
    rest = _found(state, {"state": {"$in": _ENDED}})
    jobs = [*opened, *rest[: max(0, SHOWN - len(opened))]]
    now = datetime.now(UTC)
    return [
        Shown(job, now) for job in sorted(jobs, key=lambda each: each.requested_at, reverse=True)
    ]


def last_verified(state: Documents) -> dict[str, Shown]:
    """Return the last verification of each table that read all of it, and has ended."""
    whole = {f"options.{name}": {"$exists": False} for name in ("where", "first", "last", "sample")}
    ended = {"$in": [JobState.DONE.value, JobState.FAILED.value]}
    pipeline: list[Document] = [
        {"$match": _ours({"kind": JobKind.VERIFY.value, "state": ended, **whole})},
        {"$project": {**_NEVER_SHOWN, "progress.findings": False}},
        {"$sort": {"requested_at": -1}},
        {"$group": {"_id": "$table", "last": {"$first": "$$ROOT"}}},
    ]
    now = datetime.now(UTC)
    found = (read(each["last"]) for each in state[JOBS].aggregate(pipeline))
    return {job.table: Shown(_shown(job), now) for job in found if job}


def ask(state: Documents, kind: JobKind, table: str, *, known: Collection[str], by: str) -> Job:
    """Request a job on a table that the stream keeps equal.

    Raises Refused for another table, and while a job that does the same is still open.
    """
    if kind not in ASKED_FOR or table not in known:
        raise Refused(f"The stream {settings.CDC_NAME} does not keep a table {table}.")
    return request(state, Job.request(settings.CDC_NAME, kind, table, by=by))


def request(state: Documents, job: Job) -> Job:
    """Insert a job; raises Refused while one that does the same is still open.

    Its id derives from all earlier ones: of simultaneous requests, one succeeds.
    """
    kind, table = job.kind, job.table
    same = _ours({"kind": kind.value, "table": table, "options": job.options.to_document()})
    before = [*state[JOBS].find(same, {"state": True}).sort("_id", 1)]
    for each in before:
        if each.get("state") in _OPEN:
            raise Refused(f"A {kind} of {table} is {each['state']} already.")
    seen = " ".join([*map(str, same.values()), *(str(each["_id"]) for each in before)])
    job = replace(job, id=str(uuid.uuid5(_IDS, seen)))
    wanted = {"$setOnInsert": job.to_document()}
    if state[JOBS].update_one({"_id": job.id}, wanted, upsert=True).upserted_id is None:
        raise Refused(f"Somebody else has just asked for a {kind} of {table}.")
    return job


def cancel(state: Documents, identity: str) -> bool:
    """Cancel an open job; what it has written stays. Return whether there was one.

    Raises Refused if MongoDB does not do it.
    """
    jobs = Jobs(state.client, state_database=state.name, stream=settings.CDC_NAME)
    try:
        return jobs.move(identity, before=set(JobState) - ENDED, after=JobState.CANCELLED)
    except CdcError as error:
        raise Refused(error.message) from error


def _found(state: Documents, query: Mapping[str, Any]) -> list[Job]:
    fields = {**_NEVER_SHOWN, "progress.findings": {"$slice": FINDINGS_SHOWN}}
    found = state[JOBS].find(_ours(query), fields).sort("requested_at", -1).limit(SHOWN)
    return [_shown(job) for each in found if (job := read(each))]


def _shown(job: Job) -> Job:
    """Return the job, without its progress if the daemon did not write it so."""
    progress = job.progress
    if progress is None:
        return job
    counts = [*(getattr(progress, name) for name in _COUNTS), progress.total or 0]
    if not isinstance(progress.started_at, datetime) or not all(map(_is_count, counts)):
        return replace(job, progress=None)
    findings = tuple(each for each in progress.findings if _is_finding(each))
    return replace(job, progress=replace(progress, findings=findings))


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_finding(found: object) -> bool:
    return (
        isinstance(found, Mapping)
        and "_id" in found
        and isinstance(found.get("fields"), list)
        and all(isinstance(each, str) for each in found["fields"])
    )


def _ours(query: Mapping[str, Any]) -> Document:
    return {"stream": settings.CDC_NAME, **query}
