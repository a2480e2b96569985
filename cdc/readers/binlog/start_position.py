"""Finds the position at which a new stream begins."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from cdc.errors import Unfit, UsageError
from cdc.model.checkpoint import Checkpoint
from cdc.model.position import (
    FIRST_OFFSET,
    FilePosition,
    GtidPosition,
    GtidSet,
    MariadbGtids,
    Position,
)
from cdc.model.witness import Witness
from cdc.model.xid import not_decided
from cdc.readers.binlog.accepted_host import require_movable
from cdc.readers.binlog.history import proof
from cdc.readers.server import xa
from cdc.readers.server.connection import SourceConnection, asking, connect_source, is_mariadb
from cdc.readers.server.position_check import server_identity
from cdc.readers.server.queries import rows
from cdc.readers.server.status import current_position

if TYPE_CHECKING:
    from pymysql.connections import Connection

    from cdc.config import SourceConfig, StartPosition

QUERY_SECONDS = 30.0
ATTEMPTS: Final = 30
"""The most looks for a moment at which no XA transaction is prepared."""


def resolve_start(
    config: SourceConfig, start: str | StartPosition, *, copied: bool = False
) -> Checkpoint:
    """Resolve `start` at the source; return the checkpoint to begin with.

    `copied`: every table is copied after it. Raises Retryable if the stream would miss changes of
    XA transactions that are not decided soon.
    """
    with asking(config, read_timeout=QUERY_SECONDS) as connection:
        mariadb = is_mariadb(connection)
        if start == "earliest":
            position = earliest_position(connection, mariadb)
        elif isinstance(start, str):
            copied = copied or start == "backfill"
            position = _from_now(connection, mariadb=mariadb, copied=copied)
        else:
            position = start_from_config(start, mariadb=mariadb)
        here = server_identity(connection, mariadb=mariadb)
        require_movable(config, position)
        return Checkpoint(position, None, here, end_of_log(connection, here))


def with_witness(config: SourceConfig, checkpoint: Checkpoint) -> Checkpoint:
    """Return an old checkpoint, without a witness, with the log's end as its witness.

    Raises what `server_continuing` does: a log that has lost the position cannot be its witness.
    """
    with asking(config, read_timeout=QUERY_SECONDS) as connection:
        mariadb = is_mariadb(connection)
        connect = partial(connect_source, connection.source, read_timeout=QUERY_SECONDS)
        continued = proof.server_continuing(
            connection, checkpoint, mariadb=mariadb, connect=connect
        )
        here = continued.server
        return checkpoint._replace(
            inflight=checkpoint.inflight if checkpoint.server == here else None,
            server=here,
            witness=end_of_log(connection, here),
        )


def end_of_log(connection: SourceConnection, here: str) -> Witness:
    """Return the witness of a stream that has applied nothing: the end of the log now."""
    connect = partial(connect_source, connection.source, read_timeout=QUERY_SECONDS)
    mariadb = is_mariadb(connection)
    return proof.end_of_log(connection, here, mariadb=mariadb, connect=connect)


def start_from_config(start: StartPosition, *, mariadb: bool) -> Position:
    """Return the position that the configuration spells out."""
    if start.file is not None and start.offset is not None:
        return FilePosition(start.file, start.offset)
    try:
        text = start.gtid or ""
        return GtidPosition(MariadbGtids.parse(text) if mariadb else GtidSet.parse(text))
    except ValueError as error:
        raise UsageError(
            f"start.gtid: {error}",
            remedy="write domain-server-sequence,…" if mariadb else "write UUID:1-N,…",
        ) from error


def has_gtids(connection: Connection[Any], *, mariadb: bool) -> bool:
    """Return whether the source identifies its transactions in a way that other servers know."""
    if mariadb:
        return True
    [(mode,)] = rows(connection, "SELECT @@GLOBAL.gtid_mode")
    return bool(mode == "ON")


def earliest_position(connection: Connection[Any], mariadb: bool) -> Position:
    """Return the position of the oldest remaining binlog."""
    logs = rows(connection, "SHOW BINARY LOGS")
    if not logs:
        raise Unfit("the source has no binlog", remedy="turn on log_bin on the source")
    first = str(logs[0][0])
    if mariadb:
        [(gtids, state)] = rows(
            connection,
            "SELECT BINLOG_GTID_POS(%s, %s), @@GLOBAL.gtid_binlog_state",
            first,
            FIRST_OFFSET,
        )
        # the source no longer knows a domain that was deleted, and would refuse a position in it
        return GtidPosition(MariadbGtids.parse(gtids or "").within(MariadbGtids.parse(state)))
    [(mode, purged)] = rows(connection, "SELECT @@GLOBAL.gtid_mode, @@GLOBAL.gtid_purged")
    if mode == "ON":
        return GtidPosition(GtidSet.parse(purged))
    return FilePosition(first, FIRST_OFFSET)


def _from_now(connection: SourceConnection, *, mariadb: bool, copied: bool) -> Position:
    """Return a position before which nothing was prepared that is committed after it.

    What is decided after it and before a copy, that copy sees.
    """
    for _ in range(ATTEMPTS):
        position = current_position(connection, mariadb)
        waited_for = xa.wait_until_decided(connection)
        if copied or not waited_for:
            return position
    raise not_decided(waited_for)
