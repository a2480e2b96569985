"""What programs are told of a job by `--output json` and `/status`.

`docs/observing.md` has the meaning of each key.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cdc.model.job import Job, JobState, Phase, Progress

Facts = dict[str, Any]


def brief(job: Job, *, active: bool) -> Facts:
    """Return what a job is and how far it is; `active`: its stream has an active daemon."""
    progress = job.progress
    return {
        "id": job.id,
        "kind": job.kind.value,
        "table": job.table,
        "state": job.state.value,
        "waits": job.waits(active=active),
        "rows": progress.rows if progress else 0,
        "rows_estimated": (progress.total or None) if progress else None,
        "seconds_left": (
            _seconds_left(progress) if progress and job.state is not JobState.FAILED else None
        ),
        "error": job.error,
    }


def whole(job: Job, *, active: bool) -> Facts:
    """Return all of a job; the ids of its findings are BSON values, times are ISO 8601 in UTC."""
    progress = job.progress or Progress()
    has_begun = job.progress is not None
    return {
        **brief(job, active=active),
        "stream": job.stream,
        "options": job.options.to_document(),
        "requested_by": job.requested_by,
        "requested_at": _time(job.requested_at),
        "started_at": _time(progress.started_at) if has_begun else None,
        "seconds": progress.seconds if has_begun else None,
        "percent_of_table": _rounded(job.percent_of_table),
        "phase": progress.phase.value if has_begun else None,
        "documents_searched": progress.searched,
        "documents_written": progress.written,
        "documents_removed": progress.removed,
        "missing": progress.missing,
        "extra": progress.extra,
        "different": progress.different,
        "repaired": progress.repaired,
        "unsettled": progress.unsettled,
        "owed": progress.owed,
        "foreign": progress.foreign,
        "findings": [_finding(each) for each in progress.findings],
    }


def _finding(found: Mapping[str, Any]) -> Facts:
    return {
        "kind": found["kind"],
        "collection": found["collection"],
        "id": found["_id"],
        "fields": found["fields"],
        "note": found.get("note"),
    }


def _seconds_left(progress: Progress) -> float | None:
    """Return the seconds for the rest of the rows at the pace so far; None once all are read."""
    if progress.phase is not Phase.ROWS or not progress.rows or not progress.total:
        return None
    elapsed = (datetime.now(UTC) - progress.started_at).total_seconds()
    return round(max(0.0, elapsed * (progress.total / progress.rows - 1)), 1)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _time(value: datetime) -> str:
    return value.astimezone(UTC).isoformat()
