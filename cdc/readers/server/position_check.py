"""Checks a position against what a server says it has: its identity, its GTIDs, its binlogs.

That these are the same transactions is for `cdc.readers.binlog.history.proof` to say.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from cdc.errors import CdcError, Halted, PositionPurged, SourceDiverged, Unfit
from cdc.model import binlog_engine
from cdc.model.position import (
    FIRST_OFFSET,
    FilePosition,
    GtidSet,
    MariadbGtids,
    Position,
    file_number,
)
from cdc.readers.server.driver_errors import explain_code
from cdc.readers.server.packets import ServerError
from cdc.readers.server.queries import rows

if TYPE_CHECKING:
    from pymysql.connections import Connection

VISIBLE_WITHIN_SECONDS: Final = 10
"""The limit within which the source must show transactions that its stream has delivered."""

ER_FATAL_READING_BINLOG: Final = 1236
ER_SLAVE_SAME_ID: Final = 4052
"""Newer MariaDBs' error for a replica that another one with its server id has displaced."""

_TOO_OLD: Final = (
    "purged",
    "first log file",
    "could not find gtid state",
    "is missing the gtid",  # MariaDB, strict: it has transactions before it and after it
)
"""The servers' words for a position that is before their log."""

_NO_SOURCE: Final = "server_id is 0"
"""MySQL's words where it has no id of its own; MariaDB refuses that value."""

_NOT_THE_PLACE: Final = (
    _NO_SOURCE,
    "could not open log file",
    "memory allocation failed",
    "i/o error reading",
    "run hook",
)
"""The servers' words for a refusal that says nothing of what stands at a position."""

_GO_ON: Final = (
    "go on from now, with every table resynced: cdc position set --start now --resync --yes"
)
DIVERGED_REMEDY: Final = (
    "find out where the transactions went (a crash with sync_binlog = 0, a failover that lost"
    f" them, RESET); then {_GO_ON}"
)
_KEEP_LONGER: Final = {
    False: "SET PERSIST binlog_expire_logs_seconds = 604800",
    True: "SET GLOBAL expire_logs_days = 7",
}
"""The remedy, by whether it is MariaDB, which has no SET PERSIST."""


def purged_remedy(*, mariadb: bool) -> str:
    """Return what to do if binlogs are gone that were not read yet."""
    return f"keep binlogs longer, on the source: {_KEEP_LONGER[mariadb]}; then {_GO_ON}"


class ReadUpTo(Enum):
    """Whether the place that was read up to is in the files that a server's log lists."""

    LISTED = "listed"
    PURGED = "purged"
    UNKNOWN = "unknown"


class Displaced(Halted):
    """The source ended the stream because another replica with its server id has connected."""


class CannotSend(Halted):
    """The source cannot read its binlog, which may pass: its files may be too many open ones."""


def check(
    connection: Connection[Any],
    position: Position,
    *,
    mariadb: bool,
    read_up_to: ReadUpTo = ReadUpTo.UNKNOWN,
    patience_seconds: int = VISIBLE_WITHIN_SECONDS,
) -> None:
    """Raise PositionPurged or SourceDiverged if the server cannot continue from `position`.

    `read_up_to`: whether that place is in its log. `patience_seconds`: how long it is waited for to
    show transactions.
    """
    if isinstance(position, FilePosition):
        _check_file(connection, position, mariadb=mariadb)
    elif isinstance(position.gtids, MariadbGtids) and mariadb:
        _check_mariadb(connection, position.gtids, read_up_to)
    elif isinstance(position.gtids, GtidSet) and not mariadb:
        require_gtids(connection, position, mariadb=mariadb)
        _check_mysql(connection, position.gtids, patience_seconds)
    else:
        raise SourceDiverged(
            "the checkpoint was taken from a server of the other flavour",
            position=position,
            remedy="point source.host at the server that the stream was started on",
        )


def require_log_in_files(connection: Connection[Any], *, mariadb: bool) -> None:
    """Raise Unfit if the server keeps its binlog in a storage engine, as MariaDB 12.3 can."""
    name = binlog_engine.VARIABLE
    found = rows(connection, "SHOW GLOBAL VARIABLES LIKE %s", name) if mariadb else ()
    for _, engine in found:
        binlog_engine.require_files(str(engine or ""))


def require_gtids(connection: Connection[Any], position: Position, *, mariadb: bool) -> None:
    """Raise Unfit if MySQL has turned off the GTIDs that the position consists of."""
    if mariadb or isinstance(position, FilePosition):
        return
    [(mode,)] = rows(connection, "SELECT @@GLOBAL.gtid_mode")
    if mode != "ON":
        raise Unfit(
            f"gtid_mode is {mode} and the checkpoint is a GTID set",
            position=position,
            remedy="turn them on again, on the source, step by step:"
            f" SET PERSIST enforce_gtid_consistency = ON; {gtids_on(mode)}; then {_GO_ON}",
        )


def _check_mysql(connection: Connection[Any], applied: GtidSet, patience_seconds: int) -> None:
    text = str(applied)
    [(waited,)] = rows(
        connection, "SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, %s)", text, patience_seconds
    )
    if waited:
        [(missing,)] = rows(connection, "SELECT GTID_SUBTRACT(%s, @@GLOBAL.gtid_executed)", text)
        raise SourceDiverged.by_lack(
            "the checkpoint holds transactions that the source does not have:"
            f" {_one_line(missing)}",
            position=applied,
            remedy=DIVERGED_REMEDY,
        )
    [(purged, lost)] = rows(
        connection,
        "SELECT @@GLOBAL.gtid_purged, GTID_SUBTRACT(@@GLOBAL.gtid_purged, %s)",
        text,
    )
    if lost:
        raise PositionPurged(
            "the source has purged binlogs that were not read yet: asked for what follows"
            f" {applied or 'nothing'}; never read: {_one_line(lost)}; the oldest binlog left,"
            f" {_oldest(connection)}, follows {_one_line(purged)}",
            position=applied,
            remedy=purged_remedy(mariadb=False),
        )


_GTID_MODES: Final = ("OFF", "OFF_PERMISSIVE", "ON_PERMISSIVE", "ON")


def gtids_on(mode: str) -> str:
    """Return the statements that turn GTIDs on: `gtid_mode` changes one step at a time."""
    steps = _GTID_MODES[_GTID_MODES.index(mode) + 1 :]
    return "; ".join(f"SET PERSIST gtid_mode = {each}" for each in steps)


def _oldest(connection: Connection[Any]) -> str:
    """Return the oldest binlog's name, empty if the server has none."""
    files = [str(file) for file, *_ in rows(connection, "SHOW BINARY LOGS")]
    return min(files, key=file_number, default="")


def _one_line(text: str) -> str:
    return text.replace("\n", "")


def _check_mariadb(
    connection: Connection[Any], applied: MariadbGtids, read_up_to: ReadUpTo
) -> None:
    [(state, replicated)] = rows(
        connection, "SELECT @@GLOBAL.gtid_binlog_state, @@GLOBAL.gtid_slave_pos"
    )
    known = MariadbGtids.parse(state)
    if read_up_to is ReadUpTo.LISTED:
        applied = applied.within(known)  # a domain of this log that it no longer has was deleted
    if not known.contains(applied):
        _check_replicated(applied, known, MariadbGtids.parse(replicated))
    oldest = _oldest(connection)
    [(begins,)] = rows(connection, "SELECT BINLOG_GTID_POS(%s, %s)", oldest, FIRST_OFFSET)
    purged = MariadbGtids.parse(begins or "")
    if read_up_to is not ReadUpTo.PURGED:
        purged = purged.within(known)  # a deleted domain's transactions were before the log's rest
    if _is_before(applied, purged):
        raise PositionPurged(
            "the source has purged binlogs that were not read yet: asked for what follows"
            f" {applied or 'nothing'}; the oldest binlog left, {oldest}, follows {begins}",
            position=applied,
            remedy=purged_remedy(mariadb=True),
        )


def _check_replicated(applied: MariadbGtids, known: MariadbGtids, held: MariadbGtids) -> None:
    """Check a position by what a replica holds beside its log; a new one's log is empty.

    If it holds just what is applied, all that follows will come into its log.
    """
    for domain, last in applied.domains.items():
        if known.contains(MariadbGtids({domain: last})) or held.domains.get(domain) == last:
            continue
        if held.contains(MariadbGtids({domain: last})):
            raise PositionPurged(
                f"the source is a replica that holds transactions up to {held}, and its binlog"
                f" does not have those that follow {applied}",
                position=applied,
                remedy=purged_remedy(mariadb=True),
            )
        end = str(known) or "nothing"
        raise SourceDiverged.by_lack(
            f"the checkpoint is ahead of the source, whose binlog ends at {end}",
            position=applied,
            remedy=DIVERGED_REMEDY,
        )


def _is_before(applied: MariadbGtids, begins: MariadbGtids) -> bool:
    """Return whether `applied` certainly lacks something before `begins`.

    Without gtid_strict_mode the numbers of different servers in a domain are in no order: there the
    server finds the gap, and answers the dump with an error.
    """
    return any(
        domain not in applied.domains
        or (
            applied.domains[domain].server_id == last.server_id
            and applied.domains[domain].sequence < last.sequence
        )
        for domain, last in begins.domains.items()
    )


def _check_file(connection: Connection[Any], position: FilePosition, *, mariadb: bool) -> None:
    logs = {str(name): int(size) for name, size, *_ in rows(connection, "SHOW BINARY LOGS")}
    size = logs.get(position.file)
    if size is not None and size >= position.offset:
        return
    oldest = min(logs, key=file_number, default=None)
    if oldest is not None and file_number(position.file) < file_number(oldest):
        raise PositionPurged(
            f"the source has purged what was not read yet: asked for {position}; the oldest"
            f" binlog left is {oldest}",
            position=position,
            remedy=purged_remedy(mariadb=mariadb),
        )
    raise SourceDiverged(
        f"the source's binlogs end before the checkpoint: it has {', '.join(logs) or 'none'}",
        position=position,
        remedy=DIVERGED_REMEDY,
    )


def is_of_the_place(error: ServerError) -> bool:
    """Return whether the refusal of a dump tells what stands in the log at its position."""
    text = error.text.lower()
    return error.code == ER_FATAL_READING_BINLOG and not any(
        each in text for each in _NOT_THE_PLACE
    )


def explain(error: ServerError, position: Position, *, mariadb: bool) -> CdcError:
    """Convert the error with which a server refuses or ends a dump to cdc's."""
    if error.code not in {ER_FATAL_READING_BINLOG, ER_SLAVE_SAME_ID}:
        return explain_code(error.code, error.text)
    text = error.text.lower()
    if any(each in text for each in _TOO_OLD):
        return PositionPurged(
            f"the source no longer has what follows the position: {error.text}",
            position=position,
            remedy=purged_remedy(mariadb=mariadb),
        )
    if "not in the master's binlog" in text or "more gtids" in text or "impossible" in text:
        return SourceDiverged(
            f"the source does not know the position: {error.text}",
            position=position,
            remedy=DIVERGED_REMEDY,
        )
    if "same server" in text:
        return Displaced(
            f"another replica uses this server id: {error.text}",
            position=position,
            remedy="give each replica of the source a source.server_id of its own",
        )
    if _NO_SOURCE in text:
        return Unfit(
            f"the source sends its binlog to nobody: {error.text}",
            remedy="run on the source: SET PERSIST server_id = 1; or what no other server has",
        )
    return CannotSend(
        f"the source cannot send its binlog: {error.text}",
        position=position,
        remedy=f"mend the source's binlog, or {_GO_ON}",
    )


def check_server(expected: str, actual: str, position: Position) -> None:
    """Raise SourceDiverged if a file position was taken from another server."""
    if isinstance(position, FilePosition) and expected and expected != actual:
        raise SourceDiverged(
            f"the checkpoint names a file of server {expected}, and this is server {actual}",
            position=position,
            remedy="point source.host at that server, or go on here from now, with every table"
            " resynced: cdc position set --start now --resync --yes",
        )


def server_identity(connection: Connection[Any], *, mariadb: bool) -> str:
    """Return the server's identity: its UUID; on MariaDB its server id."""
    variable = "server_id" if mariadb else "server_uuid"
    [(identity,)] = rows(connection, f"SELECT @@GLOBAL.{variable}")
    return str(identity)
