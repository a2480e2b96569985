"""A MySQL or MariaDB server."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pymysql

from cdc_sandbox.servers.runner import Runner
from cdc_sandbox.servers.server import Server
from cdc_sandbox.servers.sql_program import USER
from cdc_sandbox.servers.versions import Flavour

if TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

_CONNECT_SECONDS = 5


class MySQLServer(Server):
    """A source of its own; `user` may do everything."""

    user = USER

    def __init__(self, runner: Runner, *, flavour: Flavour, port: int, password: str) -> None:
        """Take over a runner that has not been started."""
        super().__init__(runner, port=port)
        self.flavour: Flavour = flavour
        self.password = password

    def __repr__(self) -> str:
        return (
            f"<MySQLServer {self.flavour} {self.version} {self.host}:{self.port} ({self._state()})>"
        )

    @property
    def uri(self) -> str:
        """Where it is and who may do everything, as one word."""
        return f"mysql://{self.user}:{self.password}@{self.host}:{self.port}/"

    @property
    def client_command(self) -> str:
        """What to type into a shell that has the server's client."""
        return (
            f"{self.flavour} --host={self.host} --port={self.port}"
            f" --user={self.user} --password={self.password}"
        )

    def connect(self, database: str | None = None, **options: Any) -> Connection[Cursor]:
        """Open a connection, in autocommit mode unless `options` for pymysql.connect differ."""
        settings: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "database": database,
            "charset": "utf8mb4",
            "autocommit": True,
            "connect_timeout": _CONNECT_SECONDS,
            "ssl_disabled": True,  # each context for TLS reads the machine's authorities: 40 ms
        }
        return pymysql.connect(**settings | options)

    def execute(self, statement: str, arguments: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run one statement on a connection of its own and return its rows."""
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(statement, arguments or None)
            return list(cursor.fetchall())

    @property
    def _program(self) -> str:
        return self.flavour

    def _refusal(self) -> str | None:
        try:
            self.version = str(self.execute("SELECT VERSION()")[0][0])
        except pymysql.MySQLError as error:
            return str(error)
        return None
