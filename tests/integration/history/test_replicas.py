"""A transaction is the same one on a replica, whatever time its log gives it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from cdc.errors import SourceDiverged
from cdc.model.checkpoint import Checkpoint
from cdc.readers.binlog.reader import BinlogReader
from cdc.readers.binlog.start_position import resolve_start
from cdc_sandbox.servers import MySQLServer
from tests.integration.history.support.looking import continued
from tests.support.logins import login
from tests.support.replicas import Pair, pair

SLOW = [
    ["INSERT INTO s.t SELECT 1 + SLEEP(1.2), 'slow'"],
    ["CREATE TABLE s.made (PRIMARY KEY (id)) SELECT 1 + SLEEP(1.2) AS id"],
    ["BEGIN", "INSERT INTO s.t VALUES (2, 'quick')", "DO SLEEP(1.2)", "DELETE FROM s.t", "COMMIT"],
    ["INSERT INTO s.m SELECT 1 + SLEEP(1.2)"],
]
"""Statements that last longer than the second by which MariaDB dates them."""


@pytest.fixture(scope="module", params=["mysql", "mariadb"])
def both(request: pytest.FixtureRequest) -> Iterator[Pair]:
    with pair(request.param) as servers:
        servers.primary.execute("CREATE DATABASE s")
        servers.primary.execute("CREATE TABLE s.t (id INT PRIMARY KEY, word VARCHAR(20))")
        servers.primary.execute("CREATE TABLE s.m (id INT PRIMARY KEY) ENGINE=MyISAM")
        yield servers


def read(server: MySQLServer, begin: Checkpoint) -> Checkpoint:
    """The checkpoint behind the next transaction."""
    reader = BinlogReader(login(server), follows=lambda *_: False, transaction_bytes=1_000_000)
    with closing(reader.transactions(begin)) as transactions:  # type: ignore[type-var]
        return next(transactions).checkpoint


@pytest.mark.parametrize("statements", SLOW, ids=["insert", "create", "transaction", "myisam"])
def test_a_slow_statement_is_proved_on_both_servers(both: Pair, statements: list[str]) -> None:
    both.replicated()
    servers = both.primary, both.replica
    begun = [resolve_start(login(server), "now") for server in servers]

    with both.primary.connect() as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    both.replicated()
    applied = [read(server, begin) for server, begin in zip(servers, begun, strict=True)]

    assert continued(both.replica, applied[0]).proved
    assert continued(both.primary, applied[1]).proved


def test_another_transaction_with_the_same_gtid_is_not(both: Pair) -> None:
    begun = resolve_start(login(both.primary), "now")
    both.primary.execute("INSERT INTO s.t SELECT 9 + SLEEP(1.2), 'slow'")
    both.replicated()
    applied = read(both.primary, begun)
    assert applied.witness is not None
    event = applied.witness.event
    at = 0 if both.primary.flavour == "mariadb" else 61
    later = (int.from_bytes(event[at : at + 4], "little") + 100).to_bytes(4, "little")
    other = applied.witness._replace(event=event[:at] + later + event[at + 4 :])

    with pytest.raises(SourceDiverged, match="another transaction"):
        continued(both.replica, applied._replace(witness=other))
