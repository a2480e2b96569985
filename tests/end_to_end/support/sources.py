"""The kinds of sources that a stream is tried with."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cdc_sandbox.servers import MySQLServer
from tests.end_to_end.support.history import BinlogFiles, History, MariadbGtids, MysqlGtids
from tests.end_to_end.support.stream import Stream

KINDS: dict[str, tuple[str, Callable[[MySQLServer], History]]] = {
    "mysql-gtid": ("mysql", MysqlGtids),
    "mysql-file": ("mysql_without_gtids", BinlogFiles),
    "mariadb-gtid": ("mariadb", MariadbGtids),
    "mariadb-file": ("mariadb", BinlogFiles),
}
"""How a source is positioned: its fixture and the record of what it commits."""

MakeStream = Callable[..., Stream]

ONE_KIND = pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)
"""For what does not depend on the kind of source."""
