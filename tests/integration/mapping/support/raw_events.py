"""The events of a server's binlog as bytes, and ways to damage them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from cdc.model.checkpoint import Checkpoint
from cdc.readers.binlog import dump
from cdc.readers.binlog.events import CHECKSUM_SIZE, HEADER_SIZE, EventType
from cdc.readers.binlog.start_position import resolve_start
from cdc.readers.server.connection import connect_source
from cdc.readers.server.packets import PacketStream
from cdc_sandbox.servers import MySQLServer
from tests.integration.mapping.support.binlog import config

SILENCE_SECONDS = 30
HEARTBEATS = (EventType.HEARTBEAT, EventType.HEARTBEAT_V2)
GTIDS = (EventType.GTID, EventType.GTID_TAGGED, EventType.MARIADB_GTID)


def recorded(
    server: MySQLServer, act: Callable[[], None], marker: bytes
) -> tuple[Checkpoint, list[bytes]]:
    """Where `act` begins, and all events from there up to one that holds `marker`, checksummed."""
    settings = config(server)
    where = resolve_start(settings, "now")
    act()
    found: list[bytes] = []
    heartbeats = 0
    with closing(connect_source(settings, read_timeout=SILENCE_SECONDS)) as connection:
        dump.request(
            connection,
            where.position,
            server_id=4545,
            heartbeat_seconds=1,
            mariadb=server.flavour == "mariadb",
        )
        for data in PacketStream(connection, timeout_seconds=SILENCE_SECONDS):
            if data[4] in HEARTBEATS:
                heartbeats += 1
                assert heartbeats < SILENCE_SECONDS, "no marker came"
                continue
            found.append(data)
            if marker in data:
                return where, found
    raise AssertionError("no marker came")


def unchecked(data: bytes) -> bytes:
    """The event as a server without checksums writes it."""
    return sized(data[:-CHECKSUM_SIZE])


def sized(data: bytes) -> bytes:
    """The event with the size that it has."""
    return data[:9] + len(data).to_bytes(4, "little") + data[13:]


def cut(data: bytes, end: int) -> bytes:
    """The event's first bytes, as an event of that size."""
    return sized(data[: max(end, HEADER_SIZE)])


def group(stream: list[bytes], number: int) -> int:
    """Where the transaction begins that an event belongs to."""
    return next((at for at in range(number, -1, -1) if stream[at][4] in GTIDS), 0)
