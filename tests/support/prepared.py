"""An XA transaction that is prepared, and waits to be decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import pymysql

from cdc_sandbox.servers import MySQLServer
from tests.support.waiting import eventually


@contextmanager
def prepared(
    source: MySQLServer, schema: str, xid: str, *statements: str
) -> Iterator[Callable[[], None]]:
    """Prepare what the statements do, and log off; yield what commits it.

    One that is left at the end is rolled back: it would hold its tables for ever.
    """
    with closing(source.connect(schema)) as connection, connection.cursor() as cursor:
        for statement in (f"XA START {xid}", *statements, f"XA END {xid}", f"XA PREPARE {xid}"):
            cursor.execute(statement)
    try:
        yield lambda: _decide(source, f"XA COMMIT {xid}")
    finally:
        with suppress(pymysql.MySQLError):  # it was decided
            source.execute(f"XA ROLLBACK {xid}")


def _decide(source: MySQLServer, statement: str) -> None:
    """Decide it once the server has noticed that its session is gone."""

    def decided() -> bool:
        try:
            source.execute(statement)
        except pymysql.MySQLError:
            return False
        return True

    eventually(decided, waiting_for=statement)
