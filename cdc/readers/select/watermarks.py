"""The watermarks of a chunk: the positions between which a SELECT stands.

Each window makes two promises about the rows that are read in it; `applied` is given and `high` is
the position at its end:

    low:   what is in `applied` is visible to the SELECT
    high:  what is visible to the SELECT is in `high`

`docs/architecture.md` argues why each holds; both were also measured.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pymysql
from pymysql.constants import ER

from cdc.errors import CdcError, SourceDiverged, TooEarly, Unfit
from cdc.model.position import FilePosition, GtidPosition, GtidSet, MariadbGtids, Position
from cdc.model.table_name import sql_name
from cdc.readers.server.connection import SourceConnection, close_connection, is_mariadb
from cdc.readers.server.driver_errors import AccessDenied
from cdc.readers.server.queries import rows
from cdc.readers.server.status import current_position

WAIT_SECONDS: Final = 5
"""The limit within which a source must show a transaction that its stream has delivered."""

LOCK_SECONDS: Final = 1
"""The limit for a brief lock; other writers queue behind the one who waits."""

_OWNER: Final = re.compile(r"#\d+")

SNAPSHOT: Final = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
MARIADB_SNAPSHOTS: Final = 200
"""The most snapshots to open until one shows all that was in the binlog before the first."""

High = Callable[[], Position]
"""Returns the high watermark, once everything has been read."""
Connect = Callable[[], SourceConnection]
"""Returns the session that reads; another one if it was lost on purpose."""


class TableLocked(TooEarly):
    """The table is locked by a long transaction."""


@contextmanager
def gtid_window(connect: Connect, applied: GtidPosition) -> Iterator[High]:
    """Read in autocommit mode between two queries of MySQL's executed set."""
    low = _wait_until_executed(connect(), applied)

    def high() -> Position:
        server, executed = _executed_with_owned(connect())
        if server != low:
            raise TooEarly("another server answered behind the SELECT than before it")
        return executed

    yield high


def _executed_with_owned(connection: SourceConnection) -> tuple[str, GtidPosition]:
    """Return the server and its executed set with every commit that was visible before the call.

    A group of commits becomes visible before its GTIDs are executed; until then they are owned. So
    the owned set is read before the executed set: a GTID that has left the one is in the other.
    """
    owned = _owned(connection)
    server, executed = _executed(connection)
    if executed.contains(owned):
        return server, executed
    _wait_until_executed(connection, owned)
    return _executed(connection)


def visible_now(connection: SourceConnection) -> Position:
    """Return a position that holds every transaction that a query before this one could see."""
    here = current_position(connection, is_mariadb(connection))
    if isinstance(here, GtidPosition) and isinstance(here.gtids, GtidSet):
        return _executed_with_owned(connection)[1]
    return here


def _owned(connection: SourceConnection) -> GtidPosition:
    """Return the GTIDs of commits in progress; the server writes each with `#` and its thread."""
    [(owned,)] = rows(connection, "SELECT @@GLOBAL.gtid_owned")
    return GtidPosition(GtidSet.parse(_OWNER.sub("", str(owned))))


def _wait_until_executed(connection: SourceConnection, gtids: GtidPosition) -> str:
    """Return the server's UUID; raises TooEarly if it does not show them soon."""
    [(waited, server)] = rows(
        connection,
        "SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, %s), @@GLOBAL.server_uuid",
        str(gtids),
        WAIT_SECONDS,
    )
    if waited:
        raise TooEarly(position=gtids)
    return str(server)


def _executed(connection: SourceConnection) -> tuple[str, GtidPosition]:
    [(server, executed)] = rows(connection, "SELECT @@GLOBAL.server_uuid, @@GLOBAL.gtid_executed")
    return str(server), GtidPosition(GtidSet.parse(str(executed)))


@contextmanager
def mariadb_gtid_window(connect: Connect, applied: GtidPosition) -> Iterator[High]:
    """Read in a snapshot of MariaDB that is certainly not before `applied`.

    The server reports a snapshot's place as file and offset, and would scan the whole file for its
    GTIDs. So the binlog's GTIDs are read *before* its end, and the end before the snapshot is
    opened: a snapshot at that end, or after it, shows all those GTIDs.
    """
    connection = connect()
    before = _binlog_gtids(connection)
    if not before.contains(applied):
        raise TooEarly(position=applied)
    end = _status_position(rows(connection, "SHOW MASTER STATUS"))
    with _snapshot_from(connection, end):
        high = _binlog_gtids(connection)  # grows before a commit becomes visible
        yield lambda: high


@contextmanager
def mariadb_file_window(connect: Connect, applied: FilePosition) -> Iterator[High]:
    """Read in a snapshot of MariaDB, which knows its own file and offset."""
    connection = connect()
    with _snapshot_from(connection, applied) as high:
        yield lambda: high


@contextmanager
def _snapshot_from(connection: SourceConnection, least: FilePosition) -> Iterator[FilePosition]:
    """Open snapshots until one is at `least` or after it; the context's end closes it.

    A transaction is in the binlog some milliseconds before a snapshot shows it.
    """
    for _ in range(MARIADB_SNAPSHOTS):
        rows(connection, SNAPSHOT)
        found = rows(connection, "SHOW STATUS LIKE 'binlog_snapshot%'")
        status = {str(name).lower(): value for name, value in found}
        file, offset = status["binlog_snapshot_file"], status["binlog_snapshot_position"]
        here = FilePosition(str(file), int(offset))
        if here.contains(least):
            with _until_read(connection):
                yield here
            return
        _end(connection)
    raise TooEarly(position=least)


def _binlog_gtids(connection: SourceConnection) -> GtidPosition:
    [(gtids,)] = rows(connection, "SELECT @@GLOBAL.gtid_binlog_pos")
    return GtidPosition(MariadbGtids.parse(str(gtids)))


@contextmanager
def locked_window(
    connect: Connect,
    applied: FilePosition,
    *,
    second: SourceConnection,
    table: tuple[str, str],
    status: str,
) -> Iterator[High]:
    """Read in a snapshot that is opened while `table` is briefly locked.

    The lock is `second`'s: opening a transaction would release it. `status` is the statement that
    shows the end of the binlog.
    """
    connection = connect()
    _lock(second, table)
    try:
        rows(connection, SNAPSHOT)
        here = _status_position(rows(second, status))
    finally:
        _unlock(second)
    with _until_read(connection):
        if not here.contains(applied):
            raise TooEarly(position=applied)
        yield lambda: here


def _lock(connection: SourceConnection, table: tuple[str, str]) -> None:
    try:
        rows(connection, f"SET SESSION lock_wait_timeout = {LOCK_SECONDS}")
        rows(connection, f"LOCK TABLES {sql_name(*table)} READ")
    except CdcError as error:
        code = server_code(error)
        if code == ER.LOCK_WAIT_TIMEOUT:
            raise TableLocked from error
        if isinstance(error, AccessDenied):
            raise Unfit(
                "the account may not lock the table for the instant that opens a snapshot",
                table=".".join(table),
                remedy=f"run on the source: {lock_grant(connection, table[0])}; or turn on GTIDs"
                " and start the stream anew",
            ) from error
        raise


def lock_grant(connection: SourceConnection, schema: str) -> str:
    """Return the statement that lets this account lock the schema's tables."""
    [(account,)] = rows(connection, "SELECT CURRENT_USER()")
    user, _, host = str(account).rpartition("@")
    name = "@".join("'{}'".format(part.replace("'", "''")) for part in (user, host))
    return f"GRANT LOCK TABLES ON {sql_name(schema)}.* TO {name}"


def _unlock(connection: SourceConnection) -> None:
    try:
        rows(connection, "UNLOCK TABLES")
    except BaseException:
        close_connection(connection)  # which releases the lock
        raise


@contextmanager
def _until_read(connection: SourceConnection) -> Iterator[None]:
    """End the snapshot at the context's end; if that fails, drop the connection."""
    try:
        yield
    except BaseException:
        close_connection(connection)
        raise
    _end(connection)


def _end(connection: SourceConnection) -> None:
    """End the snapshot, unless the connection was dropped."""
    if connection.open:
        rows(connection, "COMMIT")


def _status_position(found: Any) -> FilePosition:
    if not found:
        raise Unfit("the source has no binlog", remedy="turn on log_bin on the source")
    return FilePosition(str(found[0][0]), int(found[0][1]))


def server_code(error: BaseException) -> int | None:
    """Return the server's error number behind an error of cdc."""
    cause = error.__cause__
    if isinstance(cause, pymysql.MySQLError) and cause.args and isinstance(cause.args[0], int):
        return cause.args[0]
    return None


def other_flavour(applied: Position) -> SourceDiverged:
    """Return the error for a position of another server flavour."""
    return SourceDiverged(
        "the stream's position is one of the other flavour of server",
        position=applied,
        remedy="point source.host at the server that the stream was started on",
    )
