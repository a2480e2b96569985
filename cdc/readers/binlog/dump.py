"""Requests a server's binlog: session variables, registration, the dump commands.

https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_replication.html and
https://mariadb.com/kb/en/replica-registration/.
"""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, Final
from uuid import NAMESPACE_OID, UUID, uuid5

from pymysql.constants import COMMAND
from pymysqlreplication.binlogstream import ReportSlave

from cdc.errors import Halted
from cdc.model.position import FIRST_OFFSET, FilePosition, GtidPosition, GtidSet, Position, Source
from cdc.readers.server.queries import rows

if TYPE_CHECKING:
    from cdc.readers.server.connection import SourceConnection

MAX_DUMP_OFFSET: Final = 2**32 - 1

MARIADB_CAPABILITY_GTID: Final = 4

BINLOG_THROUGH_GTID: Final = 4
"""Makes COM_BINLOG_DUMP_GTID send what a GTID set lacks, not what follows a position."""

BINLOG_DUMP_NON_BLOCK: Final = 1
"""Makes both dump commands end with the log."""

NO_REPLICA: Final = 0
"""The server id of a probe: it ends no replica's connection, as any other id may."""

COM_BINLOG_DUMP_GTID: Final = 0x1E

_COMMAND_AND_HEADER: Final = 5
"""The bytes of an encoded packet that PyMySQL writes itself."""


def replica_uuid(server_id: int, stream: str) -> UUID:
    """Return the UUID that a stream's replica with this server id presents, the same at each start.

    The source ends an older connection of the same UUID: a half-open one goes at reconnection, and
    another stream, of the same server id by mistake, stays.
    """
    return uuid5(NAMESPACE_OID, f"cdc/{server_id}/{stream}")


def has_checksums(connection: SourceConnection) -> bool:
    """Return whether events have checksums before a format description event has said so."""
    [(algorithm,)] = rows(connection, "SELECT @@GLOBAL.binlog_checksum")
    return str(algorithm) == "CRC32"


def request(
    connection: SourceConnection,
    position: Position,
    *,
    server_id: int,
    heartbeat_seconds: float,
    mariadb: bool,
    stream: str = "",
    strict: bool = False,
) -> None:
    """Make the server send everything after `position` on this connection; `strict`: see `peek`."""
    uuid = replica_uuid(server_id, stream)
    _announce(connection, server_id, uuid, heartbeat_seconds, mariadb=mariadb)
    _dump(connection, position, server_id, mariadb=mariadb, strict=strict)


def peek(
    connection: SourceConnection, position: Position, *, mariadb: bool, strict: bool = False
) -> None:
    """Make the server send what it has after `position`, then end; it registers no replica.

    With `strict` MariaDB refuses a position that its log does not hold but whose successors it
    holds; without, it begins with the successors.
    """
    with connection.cursor() as cursor:
        for prefix in ("master", "source"):
            cursor.execute(f"SET @{prefix}_binlog_checksum = 'CRC32'")
        if mariadb:
            cursor.execute(f"SET @mariadb_slave_capability = {MARIADB_CAPABILITY_GTID}")
    flags = BINLOG_DUMP_NON_BLOCK
    _dump(connection, position, NO_REPLICA, flags=flags, mariadb=mariadb, strict=strict)


def _dump(
    connection: SourceConnection,
    position: Position,
    server_id: int,
    *,
    mariadb: bool,
    strict: bool,
    flags: int = 0,
) -> None:
    if isinstance(position, FilePosition):
        _dump_file(connection, position, server_id, flags)
    elif mariadb:
        _dump_mariadb(connection, position, server_id, flags, strict=strict)
    else:
        _dump_mysql(connection, position, server_id, flags)


def _announce(
    connection: SourceConnection,
    server_id: int,
    uuid: UUID,
    heartbeat_seconds: float,
    *,
    mariadb: bool,
) -> None:
    """Announce what this replica understands: servers read the new names or the old; set both."""
    nanoseconds = int(heartbeat_seconds * 1e9)
    with connection.cursor() as cursor:
        for prefix in ("master", "source"):
            cursor.execute(f"SET @{prefix}_heartbeat_period = {nanoseconds}")
            cursor.execute(f"SET @{prefix}_binlog_checksum = @@GLOBAL.binlog_checksum")
        for prefix in ("slave", "replica"):
            cursor.execute(f"SET @{prefix}_uuid = '{uuid}'")
        if mariadb:
            cursor.execute(f"SET @mariadb_slave_capability = {MARIADB_CAPABILITY_GTID}")
    packet = ReportSlave(socket.gethostname()).encoded(server_id)
    connection.command(COMMAND.COM_REGISTER_SLAVE, packet[_COMMAND_AND_HEADER:])
    connection.answer()


def _dump_mysql(
    connection: SourceConnection, position: GtidPosition, server_id: int, flags: int
) -> None:
    assert isinstance(position.gtids, GtidSet)
    gtids = encode_gtid_set(position.gtids)
    payload = struct.pack("<HII", BINLOG_THROUGH_GTID | flags, server_id, 0)
    payload += struct.pack("<QI", FIRST_OFFSET, len(gtids)) + gtids
    connection.command(COM_BINLOG_DUMP_GTID, payload)


def _dump_mariadb(
    connection: SourceConnection,
    position: GtidPosition,
    server_id: int,
    flags: int,
    *,
    strict: bool,
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET @slave_connect_state = %s", (str(position.gtids),))
        cursor.execute(f"SET @slave_gtid_strict_mode = {int(strict)}")
    _dump_file(connection, FilePosition("", FIRST_OFFSET), server_id, flags)


def _dump_file(
    connection: SourceConnection, position: FilePosition, server_id: int, flags: int
) -> None:
    """Send COM_BINLOG_DUMP. Its offset has 32 bits, and COM_BINLOG_DUMP_GTID takes no offset."""
    if position.offset > MAX_DUMP_OFFSET:
        raise Halted(
            "the protocol cannot ask for an offset above 4 GiB",
            position=position,
            remedy="run on the source: FLUSH BINARY LOGS; then go on from its next file, with every"
            " table resynced: cdc position set --start now --resync --yes",
        )
    payload = struct.pack("<IHI", position.offset, flags, server_id) + position.file.encode()
    connection.command(COMMAND.COM_BINLOG_DUMP, payload)


def encode_gtid_set(gtids: GtidSet) -> bytes:
    """Encode a GTID set for COM_BINLOG_DUMP_GTID: `Gtid_set::encode` in `sql/rpl_gtid_set.cc`.

    The count of sources takes 8 bytes; if a tag occurs (MySQL 8.3 and later), the first and the
    last of these are 1 and each UUID is followed by its tag, empty or not. Intervals are first and
    last + 1.
    """
    intervals_of = gtids.intervals
    tagged = any(source.tag for source in intervals_of)
    count = len(intervals_of)
    parts = [struct.pack("<Q", (1 << 56 | count << 8 | 1) if tagged else count)]
    for source in sorted(intervals_of, key=_binary_order):
        parts.append(UUID(source.uuid).bytes)
        if tagged:
            # The tag's length as an integer of the serialization library: below 128, one byte.
            parts.append(bytes([len(source.tag) << 1]) + source.tag.encode("ascii"))
        intervals = intervals_of[source]
        parts.append(struct.pack("<Q", len(intervals)))
        parts += [struct.pack("<QQ", first, last + 1) for first, last in intervals]
    return b"".join(parts)


def _binary_order(source: Source) -> tuple[bytes, str]:
    return UUID(source.uuid).bytes, source.tag
