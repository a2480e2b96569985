"""Reads a part of the log beside the stream; displaces no replica, and ends by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from cdc.errors import Retryable
from cdc.model.position import Position
from cdc.readers.binlog import dump, events
from cdc.readers.binlog.events import Event
from cdc.readers.server import position_check
from cdc.readers.server.connection import SourceConnection, close_connection
from cdc.readers.server.packets import PacketStream, ServerError, StreamEnded
from cdc.readers.server.position_check import server_identity

LOOK_SECONDS: Final = 30.0
LOOK_BYTES: Final = 64 << 20
"""Limits of a probe, in time and bytes; what has not come by then counts as not found."""

Connect = Callable[[], SourceConnection]
"""Opens another connection to the source."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Reads the log of the server `here`, each time on a connection of its own."""

    connect: Connect
    here: str
    mariadb: bool

    @contextmanager
    def looking(self, position: Position, *, strict: bool = False) -> Iterator[Iterator[Event]]:
        """Request the part of the log after a position; `strict` as in `dump.peek`.

        The events end with the log, or when the probe reaches its limits. They raise ServerError if
        the server says that this is no part of its log, and its other errors as cdc's own. Raises
        Retryable if another server answers.
        """
        connection = self.connect()
        try:
            with connection.understood():
                if server_identity(connection, mariadb=self.mariadb) != self.here:
                    raise Retryable("another server answered the second connection than the first")
                dump.peek(connection, position, mariadb=self.mariadb, strict=strict)
            packets = PacketStream(connection, timeout_seconds=LOOK_SECONDS)
            yield _events(packets, position, mariadb=self.mariadb)
        finally:
            close_connection(connection)


def _events(packets: PacketStream, position: Position, *, mariadb: bool) -> Iterator[Event]:
    checksum, left, until = True, LOOK_BYTES, time.monotonic() + LOOK_SECONDS
    try:
        for data in packets:
            if events.begins_file(data):
                checksum = events.format_description(data).checksum
            yield events.parse(data, checksum=checksum)
            left -= len(data)
            if left < 0 or time.monotonic() > until:
                return
    except StreamEnded:
        return
    except ServerError as error:
        if position_check.is_of_the_place(error):
            raise
        raise position_check.explain(error, position, mariadb=mariadb) from error
