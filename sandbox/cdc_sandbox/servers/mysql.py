"""A MySQL or MariaDB server that one can start, stop and kill."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pymysql

from cdc_sandbox.servers.flavour import Flavour
from cdc_sandbox.servers.ports import LOOPBACK
from cdc_sandbox.servers.runner import Runner
from cdc_sandbox.servers.sql_program import USER
from cdc_sandbox.servers.waiting import until_ready

if TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

_CONNECT_SECONDS = 5


class MySQLServer:
    """A source of its own; `user` may do everything."""

    host = LOOPBACK
    user = USER

    def __init__(self, runner: Runner, *, flavour: Flavour, port: int, password: str) -> None:
        """Take over a runner that has not been started."""
        self.flavour: Flavour = flavour
        self.port = port
        self.password = password
        self.version = ""
        self._runner = runner

    def __repr__(self) -> str:
        state = f"pid {self.pid}" if self.running else "stopped"
        return f"<MySQLServer {self.flavour} {self.version} {self.host}:{self.port} ({state})>"

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

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._runner.pid

    @property
    def running(self) -> bool:
        """Whether the server's process lives."""
        return self._runner.running

    def start(self) -> None:
        """Start on the same data and port, and wait for a login."""
        self._runner.start()
        self.until_ready()

    def until_ready(self) -> None:
        """Wait until the started server answers; ServerFailed shows its log if it does not."""
        until_ready(f"{self.flavour} on port {self.port}", self._runner, self._refusal)

    def stop(self) -> None:
        """End it cleanly."""
        self._runner.stop()

    def kill(self) -> None:
        """End it by SIGKILL."""
        self._runner.kill()

    def restart(self) -> None:
        """End it cleanly and start it again."""
        self.stop()
        self.start()

    def log_tail(self) -> str:
        """Return the end of its error log."""
        return self._runner.log_tail()

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

    def _refusal(self) -> str | None:
        try:
            self.version = str(self.execute("SELECT VERSION()")[0][0])
        except pymysql.MySQLError as error:
            return str(error)
        return None
