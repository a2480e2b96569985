"""Queries a server's history as the daemon does."""

from __future__ import annotations

from contextlib import closing
from functools import partial

from cdc.config import SourceConfig
from cdc.model.checkpoint import Checkpoint
from cdc.readers.binlog.history import proof
from cdc.readers.binlog.history.proof import Continued
from cdc.readers.server.connection import connect_source, is_mariadb
from cdc_sandbox.servers import MySQLServer
from tests.support.logins import login


def continued(
    server: MySQLServer, checkpoint: Checkpoint, settings: SourceConfig | None = None
) -> Continued:
    """Check whether a server can continue from a checkpoint, as the daemon does before a dump."""
    connect = partial(connect_source, settings or login(server), read_timeout=30)
    with closing(connect()) as connection:
        mariadb = is_mariadb(connection)
        return proof.server_continuing(connection, checkpoint, mariadb=mariadb, connect=connect)
