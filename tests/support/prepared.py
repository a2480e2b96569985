"""An XA transaction that is prepared, and waits to be decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pymysql

from cdc.model.xid import Xid
from cdc.readers.server import xa
from cdc.readers.server.connection import asking
from cdc_sandbox.servers import MySQLServer
from tests.support.logins import login
from tests.support.waiting import eventually

_undecided = xa.undecided  # tests put another one in its place


@contextmanager
def prepared(
    source: MySQLServer, schema: str, xid: str, *statements: str
) -> Iterator[Callable[[], None]]:
    """Prepare what the statements do, and log off; yield what commits it.

    One that is left at the end is rolled back: it would hold its tables for ever.
    """
    before = undecided(source)
    with closing(source.connect(schema)) as connection, connection.cursor() as cursor:
        for statement in (f"XA START {xid}", *statements, f"XA END {xid}", f"XA PREPARE {xid}"):
            cursor.execute(statement)
    ours = undecided(source) - before
    try:
        yield lambda: _decide(source, f"XA COMMIT {xid}")
    finally:
        for each in ours & undecided(source):
            roll_back(source, each)


def undecided(source: MySQLServer) -> frozenset[Xid]:
    """Return what is prepared on a source, and neither committed nor rolled back."""
    with asking(login(source), read_timeout=30) as connection:
        return _undecided(connection) or frozenset()


def roll_back(source: MySQLServer, xid: Xid) -> None:
    """Roll one back that is prepared."""
    _decide(source, f"XA ROLLBACK {xid}")


def _decide(source: MySQLServer, statement: str) -> None:
    """Decide it once the server has noticed that its session is gone: until then it refuses."""

    def decided() -> bool:
        try:
            source.execute(statement)
        except pymysql.MySQLError:
            return False
        return True

    eventually(decided, waiting_for=statement)
