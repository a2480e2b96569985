"""A source's status: its end of the log, its binlogs, its clock."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from cdc.model.position import (
    FIRST_OFFSET,
    FilePosition,
    GtidPosition,
    GtidSet,
    MariadbGtids,
    Position,
    file_number,
)
from cdc.readers.server.connection import asking, is_mariadb
from cdc.readers.server.hosts import first_usable, say_nothing
from cdc.readers.server.position_check import server_identity
from cdc.readers.server.queries import rows

if TYPE_CHECKING:
    from pymysql.connections import Connection

    from cdc.config import SourceConfig
    from cdc.readers.server.connection import SourceConnection

QUERY_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """`committed`: what the source has committed; `logs`: its binlogs' sizes by name.

    Of several hosts they are those of `host`.
    """

    committed: Position
    logs: dict[str, int]
    clock_offset_seconds: float
    host: str = ""

    def is_all_in(self, applied: Position) -> bool:
        """Return whether the position is after everything that the source has committed."""
        if isinstance(applied, FilePosition):
            return (
                applied.file in self.logs and self.bytes_behind(applied.file, applied.offset) == 0
            )
        return type(applied) is type(self.committed) and applied.contains(self.committed)

    def bytes_behind(self, file: str, offset: int) -> int | None:
        """Return the bytes in the binlogs after this place; None if it is not in them."""
        if file not in self.logs:
            return None
        number = file_number(file)
        later = sum(size for name, size in self.logs.items() if file_number(name) > number)
        return later + max(0, self.logs[file] - offset)

    def headroom_bytes(self, file: str) -> int | None:
        """Return how many bytes the source would purge before it reaches this file."""
        if file not in self.logs:
            return None
        number = file_number(file)
        return sum(size for name, size in self.logs.items() if file_number(name) < number)


def fetch(config: SourceConfig, server: str = "") -> SourceStatus:
    """Query the source; raises Retryable or Unfit if it does not answer.

    Of several hosts the one with the identity `server` is asked, else the first that answers.
    """

    def asked(host: SourceConfig) -> tuple[SourceStatus, str]:
        with asking(host, read_timeout=QUERY_SECONDS) as connection:
            here = server_identity(connection, mariadb=is_mariadb(connection))
            return fetch_on(connection), here

    status, _ = first_usable(
        config,
        asked,
        drop=lambda _: None,
        is_preferred=lambda found: server in {"", found[1]},
        refused=say_nothing,
    )
    return status


def fetch_on(connection: SourceConnection) -> SourceStatus:
    """Query on an open connection."""
    committed = current_position(connection, is_mariadb(connection))
    logs = {str(name): int(size) for name, size, *_ in rows(connection, "SHOW BINARY LOGS")}
    host = str(connection.source.address)
    return SourceStatus(committed, logs, clock_offset(connection), host)


def file_after(config: SourceConfig, applied: GtidPosition, names: Collection[str]) -> str:
    """Return the binlog that holds what follows `applied`; empty if it is purged.

    Each begins with the GTIDs of those before it. Raises Retryable or Unfit.
    """
    ordered = sorted(names, key=file_number)
    with asking(config, read_timeout=QUERY_SECONDS) as connection:
        before = _before_in_mariadb if is_mariadb(connection) else _before_in_mysql
        later = bisect_left(
            ordered, True, key=lambda name: not applied.contains(before(connection, name))
        )
    return ordered[later - 1] if later else ""


def _before_in_mysql(connection: SourceConnection, name: str) -> GtidPosition:
    found = rows(connection, "SHOW BINLOG EVENTS IN %s LIMIT 2", name)
    sets = [str(info) for _, _, kind, _, _, info in found if kind == "Previous_gtids"]
    return GtidPosition(GtidSet.parse("".join(sets)))


def _before_in_mariadb(connection: SourceConnection, name: str) -> GtidPosition:
    [(gtids,)] = rows(connection, "SELECT BINLOG_GTID_POS(%s, %s)", name, FIRST_OFFSET)
    return GtidPosition(MariadbGtids.parse(gtids or ""))


def current_position(connection: Connection[Any], mariadb: bool) -> Position:
    """Return a position after everything that a query can see now."""
    if mariadb:
        [(gtids,)] = rows(connection, "SELECT @@GLOBAL.gtid_binlog_pos")
        return GtidPosition(MariadbGtids.parse(gtids))
    [(mode, executed)] = rows(connection, "SELECT @@GLOBAL.gtid_mode, @@GLOBAL.gtid_executed")
    if mode == "ON":
        return GtidPosition(GtidSet.parse(executed))
    *_, (file, size, *_) = rows(connection, "SHOW BINARY LOGS")
    return FilePosition(str(file), int(size))


def clock_offset(connection: Connection[Any]) -> float:
    """Return the source's clock minus ours, in seconds; exact to half the round trip."""
    asked = time.time()
    [(theirs,)] = rows(connection, "SELECT UTC_TIMESTAMP(6)")
    answered = time.time()
    return float(theirs.replace(tzinfo=UTC).timestamp() - (asked + answered) / 2)
