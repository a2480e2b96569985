"""One answer for every stream of a state database: which run, how far behind, what waits.

It asks the target alone: no source, whose password only its own stream's configuration has. So the
lag is what each stream's daemon told last, with what it writes and each renewal of its lease.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from cdc.config import Config
from cdc.errors import CdcError
from cdc.model import lease
from cdc.model.checkpoint import Checkpoint
from cdc.model.first_copy import COPYING
from cdc.model.job import JobState
from cdc.model.telemetry import Role
from cdc.observability.status import ended_by, shown_time
from cdc.writers.fleet import StreamRecord, streams_in

Facts = dict[str, Any]

_EDITED: Final = (AttributeError, LookupError, OverflowError, TypeError, ValueError)
"""What a document that somebody has edited raises: the others are to be seen all the same."""


def examine(config: Config) -> list[Facts]:
    """Return `told` of the streams in a configuration's state database.

    Raises Retryable if the target does not answer.
    """
    return told(streams_in(config.target))


def told(records: Iterable[StreamRecord]) -> list[Facts]:
    """Return each stream's facts as JSON shows them, the worst first; unknown values are null.

    A stream that nobody runs is worse than one with failed jobs or letters, that than one behind.
    """
    return sorted(map(_facts, records), key=_badness, reverse=True)


def _facts(record: StreamRecord) -> Facts:
    state = record.state
    owner = _holder(state)
    return {
        "stream": str(state["_id"]),
        "state": _state(state, owner),
        "active": {"host": owner.host, "pid": owner.pid} if owner else None,
        "ended_by": None if owner else ended_by(state),
        "lag_seconds": _number(state.get("lag_seconds")) if owner else None,
        "lag_seconds_ago": _seconds_ago(record, "lag_at") if owner else None,
        "jobs": {_told(each, active=owner is not None): n for each, n in record.jobs.items()},
        "dead_letters_open": record.letters,
        "embeds_owed": record.debts,
        "position": _position(record),
        "committed_at": shown_time(state.get("committed_at")),
        "updated_at": shown_time(state.get("updated_at")),
        "updated_seconds_ago": _seconds_ago(record, "updated_at"),
    }


def _state(state: Mapping[str, Any], owner: lease.Owner | None) -> str:
    if owner is None:
        return "stopped"
    return "active" if not state.get(COPYING) else Role.COPYING.value


def _told(state: JobState, *, active: bool) -> str:
    """Return a job's state; one that runs without a daemon is interrupted, as `cdc status` says."""
    return "interrupted" if state is JobState.RUNNING and not active else state.value


def _holder(state: Mapping[str, Any]) -> lease.Owner | None:
    try:
        return lease.holder(state)
    except _EDITED:
        return None


def _badness(facts: Facts) -> tuple[bool, bool, float]:
    failed = JobState.FAILED.value in facts["jobs"] or facts["dead_letters_open"] > 0
    lag = facts["lag_seconds"]
    return facts["state"] == "stopped", failed, math.inf if lag is None else lag


def _position(record: StreamRecord) -> str | None:
    try:
        return str(Checkpoint.from_document(record.state).position)
    except (CdcError, *_EDITED):
        return None


def _seconds_ago(record: StreamRecord, name: str) -> float | None:
    at = record.state.get(name)
    if not isinstance(at, datetime):
        return None
    seconds: float = (record.state["now"] - at).total_seconds()
    return max(0.0, round(seconds, 3))


def _number(value: Any) -> float | None:
    return round(float(value), 3) if isinstance(value, int | float) else None
