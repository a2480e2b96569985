"""One answer to: is it running, where, and how far behind? Works without a daemon too.

It combines the saved checkpoint and the source's status; a daemon adds its telemetry.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from typing import Any, Final

from cdc import native
from cdc.config import Config
from cdc.errors import CdcError
from cdc.model import job_facts, lease
from cdc.model.checkpoint import Checkpoint
from cdc.model.first_copy import HeldCopy
from cdc.model.last_end import LastEnd
from cdc.model.position import FilePosition, GtidPosition, GtidSet, Position, file_number
from cdc.model.telemetry import (
    LEAST_LAG_SECONDS,
    Outage,
    PublishStats,
    Role,
    Telemetry,
    WriterStats,
)
from cdc.readers.server.hosts import hosts
from cdc.readers.server.status import SourceStatus, fetch, file_after
from cdc.writers import stream_admin
from cdc.writers.connection import connect_target, hosts_of
from cdc.writers.dead_letters.queries import letters_of
from cdc.writers.embedding.debts import DEBTS, owed_in
from cdc.writers.errors import explained
from cdc.writers.jobs import Jobs
from cdc.writers.lane_documents import appliers_of
from cdc.writers.ranges import Ranges, is_held

Facts = dict[str, Any]

DAEMON_SECONDS: Final = 2.0

_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""The address to reach a daemon that listens on every address."""


def examine(
    config: Config,
    telemetry: Telemetry | None = None,
    asks: Callable[[str], None] = lambda _: None,
) -> Facts:
    """Query both sides and return the status as JSON shows it; unknown values are null.

    The source is queried first: a live stream has by then applied what it had committed. `asks` is
    told whom each wait is for.
    """
    reads = _server(config, telemetry)
    asks(f"the source {hosts(config.source)}")
    seen, source_error = _attempt(lambda: fetch(config.source, reads))
    asks(f"the target {hosts_of(config.target)}")
    document, target_error = _attempt(lambda: stream_admin.read_with_clock(config))
    here = _of_this_host(config) if telemetry is None else process(config, telemetry)
    return {
        "stream": config.name,
        "state": _state(document, here, target_error, asked=telemetry is not None),
        **_stored(document),
        **_distance(config, seen, document, here),
        "copying": None if target_error else _attempt(lambda: _copying(config, document))[0],
        "appliers": None if target_error else _attempt(lambda: _appliers(config))[0],
        "jobs": None if target_error else _attempt(lambda: _jobs(config))[0],
        "dead_letters_open": None if target_error else _attempt(lambda: _letters(config))[0],
        "embeds_owed": None if target_error else _attempt(lambda: _owed(config))[0],
        "source": {
            "host": seen.host if seen else None,
            **_reached(source_error),
        },
        "target": _reached(target_error),
        "process": here,
    }


def _server(config: Config, telemetry: Telemetry | None) -> str:
    """Return the identity of the server that the stream reads; empty if that is unknown.

    Of several hosts it is the one whose binlogs are the stream's.
    """
    if telemetry is not None:
        return telemetry.reading.server
    if len(config.source.addresses) == 1:
        return ""
    document, _ = _attempt(lambda: stream_admin.read(config))
    return Checkpoint.from_document(document).server if document else ""


def _attempt(ask: Any) -> tuple[Any, CdcError | None]:
    try:
        return ask(), None
    except CdcError as error:
        return None, error


def _reached(error: CdcError | None) -> Facts:
    """Return whether a side answers, and if not, why and what to do about it."""
    return {
        "reachable": error is None,
        "error": None if error is None else error.message,
        "remedy": None if error is None else error.remedy,
    }


def _state(
    document: Mapping[str, Any] | None,
    here: Facts | None,
    target_error: CdcError | None,
    *,
    asked: bool,
) -> str:
    """Return the state: unknown, new (never started), stopped, or the daemon's role.

    For the daemon that is `asked`, it is its own role; else the stream is active wherever its
    daemon runs.
    """
    if here is not None and (asked or document is None or not lease.holder(document)):
        return str(here["role"])
    if target_error is not None:
        return "unknown"
    if document is None:
        return "new"
    if not lease.holder(document):
        return "stopped"
    return Role.COPYING.value if is_held(document) else "active"


def _stored(document: Mapping[str, Any] | None) -> Facts:
    found = document or {}
    holding = lease.holder(document) if document else None
    checkpoint = Checkpoint.from_document(document) if document else None
    return {
        "active": {"host": holding.host, "pid": holding.pid} if holding else None,
        "ended_by": None if holding else ended_by(document),
        "position": str(checkpoint.position) if checkpoint else None,
        "inflight": found.get("inflight"),
        "sequence": found.get("sequence"),
        "epoch": found.get("epoch"),
        "committed_at": shown_time(found.get("committed_at")),
        "updated_at": shown_time(found.get("updated_at")),
    }


def ended_by(document: Mapping[str, Any] | None) -> Facts | None:
    """Return what has ended the last daemon of a stream; None if it was stopped, or killed."""
    last = LastEnd.of(document)
    return None if last is None else last.to_facts()


def _distance(
    config: Config,
    seen: SourceStatus | None,
    document: Mapping[str, Any] | None,
    here: Facts | None,
) -> Facts:
    active = here if here is not None and here["role"] == Role.ACTIVE.value else {}
    applied = Checkpoint.from_document(document).position if document else None
    file, offset = _place(config, seen, applied, active)
    return {
        "lag_seconds": _lag(seen, document, applied, active),
        "transactions_behind": _behind(seen.committed, applied) if seen and applied else None,
        "bytes_behind": seen.bytes_behind(file, offset) if seen else None,
        "binlog_headroom_bytes": seen.headroom_bytes(file) if seen else None,
        "clock_offset_seconds": round(seen.clock_offset_seconds, 6) if seen else None,
    }


def _place(
    config: Config, seen: SourceStatus | None, applied: Position | None, active: Facts
) -> tuple[str, int]:
    """Return the binlog and the offset to continue from, at least the beginning of the binlog."""
    if reading := active.get("reading"):
        return str(reading["file"]), int(reading["offset"])
    if isinstance(applied, FilePosition):
        return applied.file, applied.offset
    if seen is None or applied is None or not seen.logs:
        return "", 0
    last = max(seen.logs, key=file_number)
    if seen.is_all_in(applied):
        return last, seen.logs[last]
    source = next(
        each for each in config.source.each_host() if seen.host in {"", str(each.address)}
    )
    found, _ = _attempt(lambda: file_after(source, applied, seen.logs))
    return found or "", 0


def _lag(
    seen: SourceStatus | None,
    document: Mapping[str, Any] | None,
    applied: Position | None,
    active: Facts,
) -> float | None:
    """Return the daemon's lag; else 0 if everything is applied, or the age of the last proof.

    That is by the clock of the source, which has dated it.
    Of a held stream it is the age of its beginning: its tables are not there yet.
    """
    told: float | None = active.get("lag_seconds")
    if told is not None:
        return told
    if seen is None or document is None or applied is None:
        return None  # without the source it is unknown whether anything is left to apply
    if not is_held(document) and seen.is_all_in(applied):
        return 0.0
    if isinstance(committed := document.get("committed_at"), datetime):
        age = time.time() + seen.clock_offset_seconds - _seconds(committed)
    elif isinstance(created := document.get("created_at"), datetime):
        age = (document["now"] - created).total_seconds()
    else:
        return None
    return max(LEAST_LAG_SECONDS, round(age, 3))


def _seconds(at: datetime) -> float:
    """Return a time of the target, with or without its zone, in seconds since the epoch."""
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _behind(committed: Position, applied: Position) -> int | None:
    """Count the transactions that the source has committed and that are not applied."""
    if not isinstance(committed, GtidPosition) or not isinstance(applied, GtidPosition):
        return None
    theirs, ours = committed.gtids, applied.gtids
    if not isinstance(theirs, GtidSet) or not isinstance(ours, GtidSet):
        return None
    return transactions_between(theirs, ours)


def transactions_between(theirs: GtidSet, ours: GtidSet) -> int:
    """Count the transactions of `theirs` that are not in `ours`."""
    return sum(
        last - first + 1 - _overlap(first, last, ours.intervals.get(source, ()))
        for source, intervals in theirs.intervals.items()
        for first, last in intervals
    )


def _overlap(first: int, last: int, intervals: tuple[tuple[int, int], ...]) -> int:
    return sum(max(0, min(last, b) - max(first, a) + 1) for a, b in intervals)


def _of_this_host(config: Config) -> Facts | None:
    """Query the stream's daemon on this host; None if none answers."""
    if config.http.listen == "off":
        return None
    host, port = config.http.address
    connection = HTTPConnection(_EVERYWHERE.get(host, host), port, timeout=DAEMON_SECONDS)
    try:
        connection.request("GET", "/readyz")
        facts: Facts = json.load(connection.getresponse())["process"]
        is_daemon = facts["role"] != Role.APPLYING.value
        return facts if facts["stream"] == config.name and is_daemon else None
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return None
    finally:
        connection.close()


def process(config: Config, telemetry: Telemetry) -> Facts:
    """Return a daemon's telemetry as facts."""
    reading, backlog, writing = telemetry.reading, telemetry.backlog, telemetry.writing
    lag = telemetry.lag_seconds
    return {
        "stream": config.name,
        "role": telemetry.role.value,
        "native": native.state,
        "role_seconds": round(telemetry.role_seconds, 1),
        "turned_seconds_ago": round(telemetry.turned_seconds_ago, 1),
        "lag_seconds": None if lag is None else round(lag, 3),
        "reading": {"file": reading.file, "offset": reading.offset} if reading.file else None,
        "source_connected": reading.connected,
        "source_host": reading.host or None,
        "target_connected": writing.connected,
        "reconnects": {"source": reading.reconnects, "target": writing.retries},
        "waiting": {"transactions": backlog.transactions, "operations": backlog.operations},
        "applied": {"transactions": writing.transactions, "operations": writing.operations},
        "per_second": {
            "transactions": round(writing.transactions_per_second, 1),
            "operations": round(writing.operations_per_second, 1),
        },
        "published": _published(telemetry.publishing),
        "parts": None if telemetry.parts is None else dict(telemetry.parts),
        "lanes": list(telemetry.partitions),
        "attendance": _attendance(telemetry.writing),
        "trouble": {
            "source": _outage(reading.outage),
            "target": _outage(writing.outage),
            "kafka": telemetry.publishing and _outage(telemetry.publishing.outage),
        },
    }


def _attendance(writing: WriterStats) -> str | None:
    """Return whether appliers attend the lanes, as of the last full batch; None without any."""
    if not writing.has_appliers:
        return None
    told = {None: "not asked", True: "attended", False: "unattended"}
    return told[writing.lanes_attended]


def _published(publishing: PublishStats | None) -> Facts | None:
    """Return what a daemon has published; None of one that does not publish."""
    if publishing is None:
        return None
    return {
        "connected": publishing.connected,
        "messages": publishing.messages,
        "bytes": publishing.bytes,
        "errors": publishing.errors,
    }


def _outage(outage: Outage | None) -> Facts | None:
    if outage is None:
        return None
    return {"error": outage.error, "seconds": round(outage.seconds, 1)}


def _jobs(config: Config) -> list[Facts]:
    """Return the jobs that have not ended, and failed ones, the oldest first."""
    with connect_target(config.target) as client:
        jobs = Jobs.of(config, client)
        active = stream_admin.active_owner(config) is not None
        return [job_facts.brief(each, active=active) for each in jobs.unsettled()]


def _copying(config: Config, document: Mapping[str, Any] | None) -> Facts | None:
    """Return how far the first copy of a held stream has come; None for any other stream."""
    held = HeldCopy.of(document or {})
    if held is None:
        return None
    with connect_target(config.target) as client:
        progress = Ranges.of(config, client).progress(held)
    return {
        "tables": [
            {
                "table": table,
                "rows": copied.rows,
                "rows_estimated": progress.totals.get(table) or None,
                "done": table in progress.tables,
            }
            for table, copied in progress.by_table.items()
        ],
        "workers": [
            {"worker": worker, "rows": copied.rows, "rows_per_second": copied.rows_per_second}
            for worker, copied in progress.by_worker.items()
        ],
    }


def _appliers(config: Config) -> list[Facts]:
    if config.apply.kafka is None:
        return []
    with connect_target(config.target) as client, explained():
        return appliers_of(client[config.target.state_database], config.name)


def _letters(config: Config) -> int:
    with connect_target(config.target) as client:
        return letters_of(config, client).count()


def _owed(config: Config) -> list[Facts]:
    """Return the embeds that have not reached all documents, the one that waits longest first."""
    with connect_target(config.target) as client, explained():
        found = owed_in(client[config.target.state_database][DEBTS], config.name)
    return [{**each, "since": shown_time(each["since"])} for each in found]


def shown_time(value: Any) -> str | None:
    """Return a time of a document as JSON shows it; None if it is none."""
    return value.isoformat() if isinstance(value, datetime) else None
