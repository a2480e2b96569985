"""Jobs: requested work on whole tables, such as backfill, resync and verify.

A job is a document in the state database's `jobs`; the daemon looks there for work.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, Self

from cdc.model.table_name import split_name

JOBS: Final = "jobs"
"""The collection of the state database."""


SAMPLED: Final = 100
"""The approximate minimum of a sample's rows; a smaller table is verified whole."""


class JobKind(StrEnum):
    """The kind of work on a table."""

    BACKFILL = "backfill"
    RESYNC = "resync"
    VERIFY = "verify"
    RETRY = "retry"
    """Read the rows of some documents again, and make these equal to them."""


class JobState(StrEnum):
    """The state of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED: Final = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a job.

    `where` is SQL that the source evaluates; `first` and `last` bound the key, both included, as
    the texts that the operator wrote; `target` limits the job to one collection; `sample` is the
    share of the rows to verify, in percent; `repair` makes verify repair what it finds;
    `extra_only` makes it look for documents without rows alone; `ids` are the `_id`s of a retry.
    """

    where: str | None = None
    first: tuple[str, ...] | None = None
    last: tuple[str, ...] | None = None
    target: str | None = None
    sample: float | None = None
    repair: bool = False
    extra_only: bool = False
    ids: tuple[Any, ...] | None = None

    def share(self, count: int) -> float:
        """Return the percentage to verify of about `count`; `count` is 0 if it is unknown.

        A sample is no smaller than `SAMPLED`, or the whole table.
        """
        if self.sample is None or count <= 0:
            return 100.0
        return min(100.0, max(self.sample, 100 * SAMPLED / count))

    @property
    def reads_a_range(self) -> bool:
        """Whether the job reads only rows that the operator selected."""
        return bool(self.where or self.first or self.last)

    def to_document(self) -> dict[str, Any]:
        """Return the options that differ from the defaults."""
        document = {
            "where": self.where,
            "first": self.first and list(self.first),
            "last": self.last and list(self.last),
            "target": self.target,
            "sample": self.sample,
            "repair": self.repair or None,
            "extra_only": self.extra_only or None,
            "ids": self.ids and list(self.ids),
        }
        return {name: value for name, value in document.items() if value is not None}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_document` wrote."""
        first, last = document.get("first"), document.get("last")
        return cls(
            where=document.get("where"),
            first=tuple(first) if first else None,
            last=tuple(last) if last else None,
            target=document.get("target"),
            sample=document.get("sample"),
            repair=bool(document.get("repair", False)),
            extra_only=bool(document.get("extra_only", False)),
            ids=tuple(document["ids"]) if document.get("ids") else None,
        )


class Phase(StrEnum):
    """The order in which a job reads its data."""

    ROWS = "rows"
    """Through the table in its key's order."""
    DOCUMENTS = "documents"
    """Through the collections in their `_id`'s order, for documents whose rows are gone."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a job; saved with each chunk.

    `cursor` is the last key, or the last `_id`, that is done, in the phase's own form. It may hold
    values that a mapping hides: it is kept no longer than needed, and never shown. `order` is the
    row order of the phase ROWS. `done` are the collections that the phase DOCUMENTS has finished.
    `total` is about how many rows there are to read, by the server's estimate, 0 if unknown;
    `percent` is the share of the table that these are, None in the state of older versions;
    `searched` counts the documents that the phase DOCUMENTS has finished, of about `to_search`.
    `inserting`: the collections were empty. `findings` are the first differences that verify found,
    or the first documents that a resync removed. `foreign` counts documents that no mapping could
    have made; `pending` are ids, by collection, of documents that changed during the check, and
    `unsettled` counts those that changed during every check. `owed` counts documents that differ
    only in embedded values that the stream still has to bring. `seconds` have passed since it
    began, waits included.
    """

    phase: Phase = Phase.ROWS
    cursor: Any = None
    order: str | None = None
    done: tuple[str, ...] = ()
    inserting: bool = False
    rows: int = 0
    total: int | None = None
    percent: float | None = None
    written: int = 0
    searched: int = 0
    to_search: int = 0
    removed: int = 0
    missing: int = 0
    extra: int = 0
    different: int = 0
    repaired: int = 0
    unsettled: int = 0
    owed: int = 0
    foreign: int = 0
    findings: tuple[Mapping[str, Any], ...] = ()
    pending: tuple[tuple[str, bytes], ...] = ()
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: float = 0.0

    @property
    def differences(self) -> int:
        """The number of documents that differ from their rows."""
        return self.missing + self.extra + self.different

    def to_document(self) -> dict[str, Any]:
        """Return it as the job's document stores it."""
        document = {name: getattr(self, name) for name in Progress.__slots__}
        lists = {
            "findings": list(self.findings),
            "done": list(self.done),
            "pending": [list(each) for each in self.pending],
        }
        return {**document, "phase": self.phase.value, **lists}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_document` wrote."""
        known = {name: document[name] for name in Progress.__slots__ if name in document}
        cursor = known.get("cursor")
        known["cursor"] = tuple(cursor) if isinstance(cursor, list) else cursor
        known["phase"] = Phase(document["phase"])
        known["findings"] = tuple(document.get("findings", ()))
        known["done"] = tuple(document.get("done", ()))
        known["pending"] = tuple((name, bytes(key)) for name, key in document.get("pending", ()))
        return cls(**known)


def told(state: JobState, *, waits: bool, held: bool) -> str:
    """Return a job's state for display; it `waits` for a daemon, or the stream is `held`."""
    if waits:
        begun = state is JobState.RUNNING
        return f"{'interrupted' if begun else state.value}, waits for a daemon"
    if held and state is JobState.QUEUED:
        return f"{state.value}, waits for the first copy"
    return state.value


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work on one table, `schema.table`."""

    id: str
    stream: str
    kind: JobKind
    table: str
    requested_by: str
    requested_at: datetime
    options: Options = Options()
    state: JobState = JobState.QUEUED
    progress: Progress | None = None
    error: str | None = None

    @classmethod
    def request(
        cls, stream: str, kind: JobKind, table: str, *, by: str, options: Options | None = None
    ) -> Self:
        """Create a new job; `by` is who requested it."""
        return cls(
            id=str(uuid.uuid4()),
            stream=stream,
            kind=kind,
            table=table,
            requested_by=by,
            requested_at=datetime.now(UTC),
            options=options or Options(),
        )

    @property
    def named(self) -> tuple[str, str]:
        """The table's schema and name."""
        return split_name(self.table)

    @property
    def percent_of_table(self) -> float | None:
        """About how much of its table it has read, or will have; None if that is unknown."""
        if self.progress is None or self.options.reads_a_range:
            return None
        known = (self.progress.percent, self.options.sample, 100.0)
        return next(each for each in known if isinstance(each, int | float))

    def waits(self, *, active: bool) -> bool:
        """Return whether it waits for a daemon; `active`: there is an active one.

        A process that died during the job has left it as running.
        """
        return not active and self.state in (JobState.QUEUED, JobState.RUNNING)

    def told(self, *, active: bool, held: bool = False) -> str:
        """Return its state for display; `held`: the stream has not begun."""
        return told(self.state, waits=self.waits(active=active), held=held)

    def to_document(self) -> dict[str, Any]:
        """Return the job's document."""
        return {
            "_id": self.id,
            "stream": self.stream,
            "kind": self.kind.value,
            "table": self.table,
            "options": self.options.to_document(),
            "state": self.state.value,
            "requested_by": self.requested_by,
            "requested_at": self.requested_at,
            "progress": self.progress and self.progress.to_document(),
            "error": self.error,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_document` wrote."""
        progress = document.get("progress")
        return cls(
            id=str(document["_id"]),
            stream=document["stream"],
            kind=JobKind(document["kind"]),
            table=document["table"],
            requested_by=str(document.get("requested_by", "")),
            requested_at=document["requested_at"],
            options=Options.from_document(document.get("options") or {}),
            state=JobState(document["state"]),
            progress=Progress.from_document(progress) if progress else None,
            error=document.get("error"),
        )


def read(document: Mapping[str, Any]) -> Job | None:
    """Parse a document as a job with a text as `_id`; None if it is none.

    Anybody may insert one.
    """
    try:
        job = Job.from_document(document)
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
    is_one = (
        document["_id"] == job.id
        and isinstance(job.table, str)
        and isinstance(job.requested_at, datetime)
    )
    return job if is_one else None


def redoing_kinds(failed: Job) -> set[str]:
    """Return the kinds of later jobs that make a failed one good."""
    return {failed.kind.value, JobKind.RESYNC.value}


def redoing_options(failed: Job) -> list[dict[str, Any]]:
    """Return the options with which they do: for the whole table, or for the same rows."""
    target = failed.options.target
    found = [{}, Options(target=target).to_document(), failed.options.to_document()]
    return [each for at, each in enumerate(found) if each not in found[:at]]
