"""Proves that a server's log is the one that was read, and not another with the same numbers.

The witness of the checkpoint is looked up again: at its place in the log, or else under its GTID.
`docs/architecture.md`, "The history before a position", has the argument.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import structlog

from cdc.errors import Corrupted, SourceDiverged
from cdc.model.checkpoint import Checkpoint
from cdc.model.position import (
    FIRST_OFFSET,
    FilePosition,
    GtidPosition,
    MariadbGtids,
    file_number,
    file_stem,
)
from cdc.model.witness import Witness
from cdc.readers.binlog.dump import MAX_DUMP_OFFSET
from cdc.readers.binlog.events import Event, EventType, without_checksum
from cdc.readers.binlog.gtid_events import is_same
from cdc.readers.binlog.history import holes, witness_lookup
from cdc.readers.binlog.history.probe import Connect, Probe
from cdc.readers.server import position_check
from cdc.readers.server.connection import close_connection
from cdc.readers.server.packets import ServerError
from cdc.readers.server.position_check import ReadUpTo
from cdc.readers.server.queries import rows

if TYPE_CHECKING:
    from pymysql.connections import Connection

log = structlog.get_logger(__name__)

_BEFORE_THE_FIRST: Final = frozenset(
    {EventType.ROTATE, EventType.START_ENCRYPTION, EventType.HEARTBEAT, EventType.HEARTBEAT_V2}
)
"""What a server may send between the format and the event at the requested offset."""


class Continued(NamedTuple):
    """How a server can continue: `server` is its identity.

    `proved`: its history is certainly the one that was read. `strict`: MariaDB is to refuse a
    position that its log does not hold.
    """

    server: str
    proved: bool
    strict: bool


def server_continuing(
    connection: Connection[Any],
    checkpoint: Checkpoint,
    *,
    mariadb: bool,
    connect: Connect,
    patience_seconds: int = position_check.VISIBLE_WITHIN_SECONDS,
) -> Continued:
    """Return how the server can continue from a checkpoint; raises if it cannot.

    `connect` opens a second connection to it; `patience_seconds` is how long it is waited for to
    show transactions of the position. Another history at the witness's place is reported
    before any wait for the server: during a wait an application could assign the same GTIDs again.
    """
    position, witness = checkpoint.position, checkpoint.witness
    position_check.require_log_in_files(connection, mariadb=mariadb)
    here = position_check.server_identity(connection, mariadb=mariadb)
    position_check.check_server(checkpoint.server, here, position)
    # without GTIDs its log cannot be read
    position_check.require_gtids(connection, position, mariadb=mariadb)
    probe = Probe(connect, here, mariadb)
    read_up_to = _read_up_to(connection, probe, checkpoint)
    position_check.check(
        connection,
        position,
        mariadb=mariadb,
        read_up_to=read_up_to,
        patience_seconds=patience_seconds,
    )
    listed = read_up_to is ReadUpTo.LISTED
    if isinstance(position, FilePosition) or (listed and _is_of(position, witness)):
        return Continued(here, proved=listed, strict=False)
    strict = isinstance(position.gtids, MariadbGtids) and holes.require_none(
        connection, probe, position.gtids
    )
    if listed:
        return Continued(here, proved=True, strict=False)
    found = witness_lookup.is_under_its_gtid(connection, probe, checkpoint)
    return Continued(here, found, strict)


def require_same(connect: Connect, checkpoint: Checkpoint, *, here: str, mariadb: bool) -> None:
    """Raise SourceDiverged if the log of the server `here` is no longer the one that was read.

    Another server that answers, as behind a balancer, is ignored.
    """
    connection = connect()
    try:
        with connection.understood():
            if position_check.server_identity(connection, mariadb=mariadb) == here:
                _read_up_to(connection, Probe(connect, here, mariadb), checkpoint)
    finally:
        close_connection(connection)


def end_of_log(
    connection: Connection[Any], here: str, *, mariadb: bool, connect: Connect
) -> Witness:
    """Return the witness of a stream that has applied nothing: the end of the log now."""
    *_, (file, size, *_) = rows(connection, "SHOW BINARY LOGS")
    probe = Probe(connect, here, mariadb)
    with probe.looking(FilePosition(str(file), FIRST_OFFSET)) as found:
        return Witness(here, str(file), _created(found), int(size))


def _is_of(position: GtidPosition, witness: Witness | None) -> bool:
    """Return whether a log that holds the witness holds the position, too.

    On MariaDB it need not if the position was chosen: a log's end is no witness of what is before.
    """
    return not isinstance(position.gtids, MariadbGtids) or bool(witness and witness.event)


def _read_up_to(connection: Connection[Any], probe: Probe, checkpoint: Checkpoint) -> ReadUpTo:
    """Return what the server's log holds of the witness; raises if it is another log."""
    try:
        return _at_its_place(connection, probe, checkpoint.witness)
    except SourceDiverged:
        if not witness_lookup.is_under_its_gtid(connection, probe, checkpoint, doubted=True):
            raise
        return ReadUpTo.UNKNOWN


def _at_its_place(connection: Connection[Any], probe: Probe, witness: Witness | None) -> ReadUpTo:
    """Return whether the server's log holds the witness; raises if it is another log.

    Looks twice before it raises: an answer may be damaged on its way, and a file purged during the
    query.
    """
    try:
        return _looked_up(connection, probe, witness)
    except SourceDiverged as error:
        log.warning("history_in_doubt", server=probe.here, error=error.message)
    return _looked_up(connection, probe, witness)


def _looked_up(connection: Connection[Any], probe: Probe, witness: Witness | None) -> ReadUpTo:
    if witness is None or witness.server != probe.here or not witness.file:
        return ReadUpTo.UNKNOWN
    found = rows(connection, "SHOW BINARY LOGS")
    logs = {str(name): int(size) for name, size, *_ in found}
    if witness.file not in logs:
        return _not_listed(witness, logs)
    if logs[witness.file] < witness.offset:
        raise _diverged(
            witness, f"{witness.file} ends at {logs[witness.file]}, before what was read of it"
        )
    return _in_its_file(probe, witness, logs[witness.file])


def _not_listed(witness: Witness, logs: dict[str, int]) -> ReadUpTo:
    names = [name for name in logs if file_stem(name) == file_stem(witness.file)]
    if not names:
        return ReadUpTo.UNKNOWN  # the log has another name than it had
    if file_number(witness.file) < min(map(file_number, names)):
        return ReadUpTo.PURGED
    raise _diverged(witness, f"{witness.file} is not among its binlogs: the log was reset")


def _in_its_file(probe: Probe, witness: Witness, size: int) -> ReadUpTo:
    whole = bool(witness.event) and witness.offset >= FIRST_OFFSET and size <= MAX_DUMP_OFFSET
    if not whole and not witness.created:
        return ReadUpTo.UNKNOWN
    try:
        event = _event(probe, witness, witness.offset if whole else FIRST_OFFSET)
    except (Corrupted, ServerError) as error:
        raise _diverged(witness, f"no event begins at {witness}: {error.message}") from error
    if whole and (event is None or not is_same(event, without_checksum(witness.event))):
        raise _diverged(witness, f"another event stands at {witness}")
    return ReadUpTo.LISTED


def _event(probe: Probe, witness: Witness, offset: int) -> Event | None:
    """Return the event at an offset of the witness's file; raises if that is another one."""
    with probe.looking(FilePosition(witness.file, offset)) as found:
        created = _created(found)
        if witness.created and created != witness.created:
            anew = f"{witness.file} was created anew: the source's log was reset"
            raise _diverged(witness, anew)
        return next((each for each in found if each.type not in _BEFORE_THE_FIRST), None)


def _created(found: Iterator[Event]) -> int:
    """Return when the file of these events was made; each probe begins with its format event."""
    return next((each.timestamp for each in found if each.type == EventType.FORMAT_DESCRIPTION), 0)


def _diverged(witness: Witness, what: str) -> SourceDiverged:
    return SourceDiverged(
        f"the source's log is not the one that was read: {what}",
        position=witness,
        remedy=position_check.DIVERGED_REMEDY,
    )
