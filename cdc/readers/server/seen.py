"""Checks that a server has executed all that a copy has seen, though the stream is not there yet.

A server that lacks some of it, as after a failover, would never send what removes those rows again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from cdc.errors import SourceDiverged
from cdc.model.position import FilePosition, GtidSet, MariadbGtids, Position, file_number
from cdc.readers.server.queries import rows

if TYPE_CHECKING:
    from pymysql.connections import Connection

REMEDY: Final = (
    "find out where the transactions went (a failover that lost them); then make the documents"
    " equal to the rows that there are: cdc position set --start now --resync --yes"
)


def require(
    connection: Connection[Any],
    seen: Iterable[Position],
    *,
    mariadb: bool,
    patience_seconds: int,
) -> None:
    """Raise SourceDiverged if the server lacks some of `seen`.

    A server of another kind than a position's is for the check of the stream's position to say.
    """
    for each in seen:
        if isinstance(each, FilePosition):
            lacking = _file_lacking(connection, each)
        elif isinstance(each.gtids, MariadbGtids):
            lacking = _mariadb_lacking(connection, each.gtids) if mariadb else ""
        else:
            lacking = "" if mariadb else _mysql_lacking(connection, each.gtids, patience_seconds)
        if lacking:
            raise SourceDiverged.by_lack(
                f"documents were copied from what the source does not have: {lacking}",
                position=each,
                remedy=REMEDY,
            )


def _mysql_lacking(connection: Connection[Any], seen: GtidSet, patience_seconds: int) -> str:
    text = str(seen)
    [(waited,)] = rows(
        connection, "SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, %s)", text, patience_seconds
    )
    if not waited:
        return ""
    [(missing,)] = rows(connection, "SELECT GTID_SUBTRACT(%s, @@GLOBAL.gtid_executed)", text)
    return str(missing).replace("\n", "")


def _mariadb_lacking(connection: Connection[Any], seen: MariadbGtids) -> str:
    """Return what the binlog and the replication lack, server by server of each domain.

    Two servers' numbers in a domain say nothing of each other: a server that took over without the
    end of the other's has soon passed it by number.
    """
    [(state, replicated)] = rows(
        connection, "SELECT @@GLOBAL.gtid_binlog_state, @@GLOBAL.gtid_slave_pos"
    )
    known: dict[tuple[str, str], int] = {}
    for gtid in filter(None, f"{state or ''},{replicated or ''}".split(",")):
        domain, server, sequence = gtid.strip().split("-")
        known[domain, server] = max(int(sequence), known.get((domain, server), 0))
    return ",".join(
        f"{domain}-{last.server_id}-{last.sequence}"
        for domain, last in sorted(seen.domains.items())
        if known.get((str(domain), str(last.server_id)), 0) < last.sequence
    )


def _file_lacking(connection: Connection[Any], seen: FilePosition) -> str:
    """Return the place if the log ends before it; a purged file is for another check."""
    logs = {str(name): int(size) for name, size, *_ in rows(connection, "SHOW BINARY LOGS")}
    last = max(logs, key=file_number, default="")
    end = FilePosition(last, logs[last]) if last else None
    return "" if end is not None and end.contains(seen) else str(seen)
