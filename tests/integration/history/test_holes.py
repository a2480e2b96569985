"""What a MariaDB lacks that was made from a backup, whose log begins behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from cdc.errors import PositionPurged
from cdc.model.checkpoint import Checkpoint
from cdc.model.position import GtidPosition, MariadbGtids
from cdc.readers.binlog.reader import BinlogReader
from cdc.readers.binlog.start_position import resolve_start
from cdc_sandbox.servers import MySQLServer, mysql_server
from tests.support.binlogs import purge
from tests.support.dialect import reset_logs
from tests.support.logins import login
from tests.support.runs import one_by_one

pytestmark = pytest.mark.slow  # starts a MariaDB of its own

Gtid = tuple[int, int, int]


@pytest.fixture(scope="module")
def own() -> Iterator[MySQLServer]:
    with mysql_server("mariadb") as server:
        server.execute("CREATE DATABASE app")
        yield server
        server.kill()


def made_from_a_backup(server: MySQLServer, at: str, *replicated: Gtid) -> None:
    """Give the server the log of a replica made from a backup at a position."""
    server.execute(reset_logs(server))
    replicate(server, MariadbGtids.parse(at), *replicated)


def replicate(server: MySQLServer, held: MariadbGtids, *transactions: Gtid) -> None:
    with server.connect("app") as connection, connection.cursor() as cursor:
        for domain, server_id, sequence in transactions:
            cursor.execute(f"SET gtid_domain_id = {domain}, server_id = {server_id}")
            cursor.execute(f"SET gtid_seq_no = {sequence}")
            cursor.execute(f"CREATE OR REPLACE TABLE t{domain} (id INT)")
            held = held.advanced(domain, server_id, sequence)
        cursor.execute(f"SET GLOBAL gtid_slave_pos = '{held}'")


def at(text: str) -> Checkpoint:
    """What a stream has saved that was read from another server."""
    return Checkpoint(GtidPosition(MariadbGtids.parse(text)), None, "another server")


def reading(server: MySQLServer, begin: Checkpoint) -> Iterator[str]:
    reader = BinlogReader(login(server), follows=lambda *_: False, transaction_bytes=1_000_000)
    with closing(reader.transactions(begin)) as found:  # type: ignore[type-var]
        for transaction in one_by_one(found):
            yield transaction.identity


def read(server: MySQLServer, begin: Checkpoint, count: int) -> list[str]:
    with closing(reading(server, begin)) as found:  # type: ignore[type-var]
        return [next(found) for _ in range(count)]


@pytest.mark.parametrize(
    "replicated",
    [
        [(0, 11, 51), (0, 11, 52), (1, 12, 96)],
        [(0, 11, 49), (0, 11, 50), (0, 11, 51), (1, 12, 96)],
    ],
    ids=["behind a lawful gap in another domain", "behind transactions of another domain"],
)
def test_a_hole_in_one_domain_is_seen_behind_what_another_domain_has(
    own: MySQLServer, replicated: list[Gtid]
) -> None:
    made_from_a_backup(own, "0-11-48,1-12-95", *replicated)

    with pytest.raises(PositionPurged, match="1-12-96"):
        read(own, at("0-11-50,1-12-90"), 1)


@pytest.mark.parametrize(
    "replicated",
    [
        [(0, 11, 51), (0, 11, 52), (1, 12, 91)],
        [(0, 11, 49), (0, 11, 50), (0, 11, 51), (0, 11, 52), (1, 12, 91)],
    ],
    ids=["both domains begin there", "one domain begins there"],
)
def test_each_domain_may_begin_just_behind_the_position(
    own: MySQLServer, replicated: list[Gtid]
) -> None:
    made_from_a_backup(own, "0-11-48,1-12-90", *replicated)

    assert read(own, at("0-11-50,1-12-90"), 3) == ["0-11-51", "0-11-52", "1-12-91"]


def test_a_domain_that_was_idle_since_the_backup_goes_on_later(own: MySQLServer) -> None:
    made_from_a_backup(own, "0-11-48,1-12-90", (0, 11, 49), (0, 11, 50), (0, 11, 51))
    found = reading(own, at("0-11-50,1-12-90"))
    first = next(found)

    replicate(own, MariadbGtids.parse("0-11-51,1-12-90"), (1, 12, 91))

    assert [first, next(found)] == ["0-11-51", "1-12-91"]


def test_a_new_stream_that_is_to_begin_before_a_hole_is_refused(own: MySQLServer) -> None:
    made_from_a_backup(own, "0-11-39", (0, 11, 40), (0, 11, 41))
    chosen = resolve_start(login(own), "now")._replace(position=at("0-11-34").position)

    with pytest.raises(PositionPurged, match="0-11-40"):
        read(own, chosen, 1)


@pytest.mark.parametrize("position", ["0-11-39", "0-11-40"])
def test_a_new_stream_may_begin_where_the_log_does(own: MySQLServer, position: str) -> None:
    made_from_a_backup(own, "0-11-39", (0, 11, 40), (0, 11, 41))
    chosen = resolve_start(login(own), "now")._replace(position=at(position).position)

    assert read(own, chosen, 1) == [f"0-11-{int(position[-2:]) + 1}"]


def test_a_new_stream_may_begin_with_the_oldest_binlog_that_is_left(own: MySQLServer) -> None:
    made_from_a_backup(own, "0-11-39,1-12-90", (0, 11, 40), (0, 13, 41), (1, 12, 91))
    purge(own)
    replicate(own, MariadbGtids.parse("0-13-41,1-12-91"), (0, 11, 42), (0, 13, 43), (1, 12, 92))

    chosen = resolve_start(login(own), "earliest")

    assert read(own, chosen, 3) == ["0-11-42", "0-13-43", "1-12-92"]
