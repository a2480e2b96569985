"""Where a new stream begins."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cdc.checkpoint import Checkpoint
from cdc.errors import Unfit, UsageError
from cdc.position import FilePosition, GtidPosition, GtidSet, MariadbGtids, Position
from cdc.readers import source
from cdc.readers.dump import FIRST_OFFSET
from cdc.readers.resume import rows, server_identity

if TYPE_CHECKING:
    from pymysql.connections import Connection

    from cdc.config import SourceConfig, StartPosition

QUERY_SECONDS = 30.0


def resolve(config: SourceConfig, start: str | StartPosition) -> Checkpoint:
    """Ask the source what `start` means there; return the checkpoint to begin with."""
    connection = source.connect(config, read_timeout=QUERY_SECONDS)
    try:
        mariadb = source.is_mariadb(connection)
        if isinstance(start, str):
            position = _WORDS[start](connection, mariadb)
        else:
            position = given(start, mariadb=mariadb)
        return Checkpoint(position, None, server_identity(connection, mariadb=mariadb))
    finally:
        source.close(connection)


def given(start: StartPosition, *, mariadb: bool) -> Position:
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
    """Tell whether the source numbers its transactions in a way that other servers know."""
    if mariadb:
        return True
    [(mode,)] = rows(connection, "SELECT @@GLOBAL.gtid_mode")
    return bool(mode == "ON")


def earliest(connection: Connection[Any], mariadb: bool) -> Position:
    """Return the position of the oldest binlog that is left."""
    logs = rows(connection, "SHOW BINARY LOGS")
    if not logs:
        raise Unfit("the source has no binlog", remedy="turn on log_bin on the source")
    first = str(logs[0][0])
    if mariadb:
        [(gtids,)] = rows(connection, "SELECT BINLOG_GTID_POS(%s, %s)", first, FIRST_OFFSET)
        return GtidPosition(MariadbGtids.parse(gtids or ""))
    [(mode, purged)] = rows(connection, "SELECT @@GLOBAL.gtid_mode, @@GLOBAL.gtid_purged")
    if mode == "ON":
        return GtidPosition(GtidSet.parse(purged))
    return FilePosition(first, FIRST_OFFSET)


def now(connection: Connection[Any], mariadb: bool) -> Position:
    """Return a position that everything visible to a query now is before."""
    if mariadb:
        [(gtids,)] = rows(connection, "SELECT @@GLOBAL.gtid_binlog_pos")
        return GtidPosition(MariadbGtids.parse(gtids))
    [(mode, executed)] = rows(connection, "SELECT @@GLOBAL.gtid_mode, @@GLOBAL.gtid_executed")
    if mode == "ON":
        return GtidPosition(GtidSet.parse(executed))
    file, offset = _end_of_log(connection)
    return FilePosition(file, offset)


def _end_of_log(connection: Connection[Any]) -> tuple[str, int]:
    *_, (name, size, *_) = rows(connection, "SHOW BINARY LOGS")
    return str(name), int(size)


_WORDS: dict[str, Callable[[Connection[Any], bool], Position]] = {
    "backfill": now,  # what the tables hold already is copied beside the stream
    "earliest": earliest,
    "now": now,
}
