"""Writes heartbeats to a row of the source, so that there is always something to replicate.

cdc writes nothing else to a source, and this only if `source.heartbeat_table` is set. The row's
value is for people: the heartbeat's transaction travels like any other, and its commit time shows
the lag from end to end.
"""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING, Final

import structlog

from cdc.errors import CdcError
from cdc.model.table_name import sql_name
from cdc.readers.server.connection import SourceConnection, connect_source
from cdc.readers.server.hosts import say_nothing

if TYPE_CHECKING:
    from cdc.config import SourceConfig

log = structlog.get_logger(__name__)

QUERY_SECONDS: Final = 10.0

STOPS_WITHIN_SECONDS: Final = 1.0
"""The limit for a heartbeat in progress; its thread dies with the process."""


def definition(table: str) -> str:
    """Return the statement that creates the table `schema.table`."""
    return (
        f"CREATE TABLE {table} (stream VARCHAR(63) NOT NULL PRIMARY KEY,"
        " beat_at DATETIME(6) NOT NULL) ENGINE=InnoDB"
    )


def write_heartbeat(config: SourceConfig, stream: str) -> None:
    """Write the stream's row once; raises Retryable, Unfit or Fatal if that fails."""
    with _connected(config) as connection:
        _write(connection, config, stream)


def _connected(config: SourceConfig) -> closing[SourceConnection]:
    """Connect to the first host that can be written to; the error tells why none can."""
    return closing(
        connect_source(config, read_timeout=QUERY_SECONDS, writes=True, refused=say_nothing)
    )


def _write(connection: SourceConnection, config: SourceConfig, stream: str) -> None:
    assert config.heartbeat_table is not None
    name = sql_name(*config.heartbeat_table.split(".", 1))
    statement = (
        f"INSERT INTO {name} (stream, beat_at) VALUES (%s, UTC_TIMESTAMP(6))"
        " ON DUPLICATE KEY UPDATE beat_at = UTC_TIMESTAMP(6)"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, (stream,))


class HeartbeatWriter:
    """Writes a heartbeat every `source.heartbeat_seconds` in its own thread, until `stop`."""

    def __init__(self, config: SourceConfig, stream: str) -> None:
        self._config = config
        self._stream = stream
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._said = ""

    def __enter__(self) -> HeartbeatWriter:
        """Start, if the configuration names a table."""
        if self._config.heartbeat_table is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOPS_WITHIN_SECONDS)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._beat_on()
            except CdcError as error:
                if error.message != self._said:
                    log.warning("heartbeat_failed", error=error.message, remedy=error.remedy)
                self._said = error.message
            self._stopping.wait(self._config.heartbeat_seconds)

    def _beat_on(self) -> None:
        """Write heartbeats on one connection for as long as it lasts."""
        with _connected(self._config) as connection:
            while not self._stopping.is_set():
                _write(connection, self._config, self._stream)
                self._said = ""
                self._stopping.wait(self._config.heartbeat_seconds)
