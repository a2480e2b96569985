"""Deleting a server's binlogs."""

from __future__ import annotations

from cdc_sandbox.servers import MySQLServer
from tests.support.waiting import eventually


def newest(server: MySQLServer) -> str:
    *_, (name, *_) = server.execute("SHOW BINARY LOGS")
    return str(name)


def purge_to(server: MySQLServer, name: str) -> None:
    """Delete all binlogs before this one.

    PURGE passes over a file that a replica still reads, or that MariaDB has left but a moment
    ago, and says nothing.
    """

    def is_the_oldest() -> bool:
        server.execute(f"PURGE BINARY LOGS TO '{name}'")
        (oldest, *_), *_ = server.execute("SHOW BINARY LOGS")
        return str(oldest) == name

    eventually(is_the_oldest, waiting_for=f"{name} to be the oldest binlog")


def purge(server: MySQLServer) -> str:
    """Begin a binlog, delete all before it, and return its name."""
    server.execute("FLUSH BINARY LOGS")
    name = newest(server)
    purge_to(server, name)
    return name
