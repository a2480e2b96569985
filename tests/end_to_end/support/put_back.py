"""A source's data folder, copied and put back later: its last transactions are gone."""

from __future__ import annotations

import shutil
import threading
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import pymysql

from cdc_sandbox.servers import MySQLServer
from tests.support.working import working


class Backup:
    """A copy of a server's data folder."""

    def __init__(self, server: MySQLServer, data: Path) -> None:
        self._server = server
        self._data = data
        self._copy = data.with_name(f"{data.name}-backup")
        server.stop()
        shutil.copytree(data, self._copy, symlinks=True)
        server.start()

    def put_back(self) -> None:
        """Kill the server and start it on the data of the copy."""
        self._server.kill()
        shutil.rmtree(self._data)
        shutil.copytree(self._copy, self._data, symlinks=True)
        self._server.start()

    def forget(self) -> None:
        """Remove the copy."""
        shutil.rmtree(self._copy)


def live_application(server: MySQLServer, schema: str, table: str) -> AbstractContextManager[None]:
    """Insert rows from 1,000 on as fast as the server takes them, whether it is there or not."""

    def work(ended: threading.Event) -> None:
        number = 1_000
        while not ended.is_set():
            with (
                suppress(pymysql.MySQLError, OSError),
                server.connect(schema) as connection,
                connection.cursor() as cursor,
            ):
                while not ended.is_set():
                    number += 1
                    cursor.execute(f"INSERT INTO {table} VALUES ({number}, 'again')")
            ended.wait(0.01)

    return working(work)
