"""A chunk reader on a test's server, and the position that the server has reached."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cdc.model.position import GtidPosition, GtidSet, MariadbGtids, Position
from cdc.readers.select.chunk_reader import Chunk, ChunkReader
from cdc.readers.select.keys import Key
from cdc.readers.select.select_table import SelectTable
from cdc_sandbox.servers import MySQLServer
from tests.integration.mapping.support.binlog import config


@contextmanager
def chunk_reader(server: MySQLServer, *, allow_brief_lock: bool = False) -> Iterator[ChunkReader]:
    reader = ChunkReader(config(server), allow_brief_lock=allow_brief_lock)
    try:
        yield reader
    finally:
        reader.close()


def executed(server: MySQLServer) -> Position:
    """What a stream that has caught up has applied."""
    if server.flavour == "mariadb":
        [(text,)] = server.execute("SELECT @@GLOBAL.gtid_binlog_pos")
        return GtidPosition(MariadbGtids.parse(text))
    [(text,)] = server.execute("SELECT @@GLOBAL.gtid_executed")
    return GtidPosition(GtidSet.parse(text))


def chunks(
    reader: ChunkReader,
    table: SelectTable,
    applied: Position,
    *,
    limit: int = 1000,
    after: Key | None = None,
    until: Key | None = None,
    where: str | None = None,
) -> Iterator[Chunk]:
    """Every chunk of a table, or of a range of its key."""
    finished = False
    while not finished:
        chunk = reader.read(
            table, after=after, until=until, limit=limit, where=where, applied=applied
        )
        finished = chunk.finished
        after = chunk.last
        yield chunk
