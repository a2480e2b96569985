"""MySQL's GTID events tell how large their transactions are, whatever these hold.

A stream stops at a statement that it does not know if the size says that more follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

import pytest

from cdc.model.checkpoint import Checkpoint
from cdc.readers.binlog import events, gtid_events
from cdc.readers.binlog.events import EventType
from cdc.readers.binlog.table_maps import TableMapCache
from cdc.readers.binlog.transaction_assembler import TransactionAssembler
from cdc.readers.server.connection import connect_source, decoder
from cdc_sandbox.servers import MySQLServer, mysql_server
from tests.integration.mapping.support.binlog import config
from tests.integration.mapping.support.raw_events import GTIDS, recorded
from tests.support.features import COMPRESSION, CREATE_SELECT, TAGGED_GTIDS, has
from tests.support.replicas import pair
from tests.support.unsynced import UNSYNCED

MARKER = "the end of the sizes"
TRANSACTION_BYTES = 1 << 24
ROWS = (
    "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, word LONGTEXT, x DOUBLE)",
    "SET @word = 'abc'",
    "INSERT INTO t (word, x) VALUES (@word, RAND()), (REPEAT('x', 70000), 1)",
    "SET insert_id = 500, rand_seed1 = 1, timestamp = 1",
    "INSERT INTO t (word, x) VALUES (@word, RAND())",
    "SET timestamp = DEFAULT",
    "SET sql_log_bin = 0",
    "CREATE USER unlogged",
    "DROP USER unlogged",
    "SET sql_log_bin = 1",
    "BEGIN",
    "SAVEPOINT a",
    "INSERT INTO t (word) VALUES ('undone')",
    "ROLLBACK TO a",
    "INSERT INTO t (word) VALUES ('done')",
    "COMMIT",
    "LOCK TABLES t WRITE",
    "INSERT INTO t (word) VALUES ('locked')",
    "ALTER TABLE t ADD COLUMN more INT DEFAULT 7",
    "UNLOCK TABLES",
    "XA START 'one'",
    "UPDATE t SET more = 8",
    "XA END 'one'",
    "XA PREPARE 'one'",
    "XA COMMIT 'one'",
    "XA START 'two'",
    "UPDATE t SET more = 9",
    "XA END 'two'",
    "XA COMMIT 'two' ONE PHASE",
    "XA START 'three'",
    "UPDATE t SET more = 10",
    "XA END 'three'",
    "XA PREPARE 'three'",
    "XA ROLLBACK 'three'",
    "CREATE FUNCTION f() RETURNS INT DETERMINISTIC MODIFIES SQL DATA"
    " BEGIN INSERT INTO t (word) VALUES (RAND()); RETURN 1; END",
    "SELECT f()",
    "DO f()",
    "CREATE PROCEDURE p() BEGIN CREATE USER inner_user; INSERT INTO t (word) VALUES ('p');"
    " DROP USER inner_user; TRUNCATE TABLE t; END",
    "CALL p()",
    "INSERT INTO t (word) VALUES ('last')",
)
STATEMENTS = (
    "CREATE TABLE alike LIKE t",
    "CREATE TABLE IF NOT EXISTS alike LIKE t",
    "CREATE TEMPORARY TABLE held (id INT)",
    "INSERT INTO held VALUES (1)",
    "ALTER TABLE held ADD COLUMN more INT",
    "DROP TEMPORARY TABLE IF EXISTS held, never_there",
    "DROP TABLE IF EXISTS alike, never_there",
    "CREATE USER sized IDENTIFIED BY 'a long Passw0rd!'",
    "CREATE USER IF NOT EXISTS sized IDENTIFIED BY 'another'",
    "ALTER USER sized IDENTIFIED BY 'another long Passw0rd!'",
    "SET PASSWORD FOR sized = 'Yet another 1!'",
    "GRANT SELECT (word), UPDATE (word) ON t TO sized",
    "CREATE ROLE part",
    "GRANT part TO sized",
    "SET DEFAULT ROLE part TO sized",
    "REVOKE ALL PRIVILEGES, GRANT OPTION FROM sized",
    "RENAME USER sized TO measured",
    "DROP USER IF EXISTS measured, nobody",
    "DROP ROLE part",
    "CREATE SPATIAL REFERENCE SYSTEM 990001 NAME 'flat' DEFINITION"
    ' \'GEOGCS["flat",DATUM["flat",SPHEROID["flat",6378137,298.257223563]],'
    'PRIMEM["Greenwich",0],UNIT["degree",0.017453292519943278],AXIS["Lat",NORTH],'
    'AXIS["Lon",EAST]]\'',
    "DROP SPATIAL REFERENCE SYSTEM 990001",
    "CREATE SERVER other FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h', DATABASE 'd')",
    "ALTER SERVER other OPTIONS (USER 'u')",
    "DROP SERVER other",
    "CREATE TABLESPACE space ADD DATAFILE 'space.ibd' ENGINE = InnoDB",
    "DROP TABLESPACE space",
    "CREATE EVENT daily ON SCHEDULE EVERY 1 DAY DO SET @a = 1",
    "DROP EVENT daily",
    "CREATE OR REPLACE VIEW seen AS SELECT id FROM t",
    "DROP VIEW seen",
    "CREATE TRIGGER changing BEFORE INSERT ON t FOR EACH ROW SET NEW.x = 1",
    "DROP TRIGGER IF EXISTS changing",
    "DROP TRIGGER IF EXISTS changing",
    "ALTER DATABASE sizes CHARACTER SET latin1",
    "ANALYZE TABLE t",
    "ANALYZE TABLE t UPDATE HISTOGRAM ON x WITH 4 BUCKETS",
    "OPTIMIZE TABLE t",
    "FLUSH TABLES t",
    "FLUSH PRIVILEGES",
    "FLUSH BINARY LOGS",
    "TRUNCATE TABLE t",
    "DROP PROCEDURE p",
    "DROP FUNCTION f",
    "DROP FUNCTION IF EXISTS f",
    "LOCK INSTANCE FOR BACKUP",
    "UNLOCK INSTANCE",
)
ON_DISK = ("CREATE TABLE copied SELECT * FROM t",)
LEAST = 50
"""Transactions that the statements make, at least; a statement that is not logged makes none."""


def run(server: MySQLServer, session: str) -> None:
    """Run all statements in one session, and end with the marker in another."""
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS sizes")
        cursor.execute("CREATE DATABASE sizes")
        cursor.execute("USE sizes")
        if session:
            cursor.execute(f"SET SESSION {session}")
        for each in (*ROWS, *(ON_DISK if has(server, CREATE_SELECT) else ()), *STATEMENTS):
            cursor.execute(each)
    server.execute(f"DROP DATABASE sizes /* {MARKER} */")


def read(
    server: MySQLServer, where: Checkpoint, found: Sequence[bytes], *, checksum: bool
) -> Iterator[tuple[int, int]]:
    """Yield what each transaction's GTID event says that it is of bytes, and what it is.

    The stream's own assembler reads it, which follows no table.
    """
    with closing(connect_source(config(server), read_timeout=30)) as connection:
        tables = TableMapCache(lambda schema, _: schema == "other", decoder(connection), False)
    assembler = TransactionAssembler(where, tables=tables, transaction_bytes=TRANSACTION_BYTES)
    told = size = 0
    for data in found:
        if events.begins_file(data):
            checksum = events.format_description(data).checksum
        event = events.parse(data, checksum=checksum)
        if event.type in GTIDS:
            told, size = gtid_events.transaction_size(event.data), 0
        size += event.size
        is_whole = assembler.feed(event) is not None
        if event.type == EventType.TRANSACTION_PAYLOAD:
            is_whole = [*assembler.unpack(event)] != []
        if is_whole and told:
            yield told, size
            told = 0


def require_sizes(server: MySQLServer, act: Callable[[], None], *, checksum: bool = True) -> None:
    where, found = recorded(server, act, MARKER.encode())

    sizes = [*read(server, where, found, checksum=checksum)]

    assert [told for told, _ in sizes] == [size for _, size in sizes]
    assert len(sizes) >= LEAST


@contextmanager
def unchecked() -> Iterator[MySQLServer]:
    with mysql_server("mysql", options=[*UNSYNCED, "--binlog-checksum=NONE"]) as server:
        yield server
        server.kill()


@pytest.mark.parametrize(
    "setting",
    ["", "binlog_row_image = MINIMAL", "binlog_transaction_compression = ON", "gtid_next"],
)
def test_a_transaction_is_as_large_as_its_gtid_event_tells(
    mysql: MySQLServer, setting: str
) -> None:
    session = {"gtid_next": "gtid_next = 'AUTOMATIC:sized'"}.get(setting, setting)
    needed = {"gtid_next": TAGGED_GTIDS, "binlog_transaction_compression = ON": COMPRESSION}
    if setting in needed and not has(mysql, needed[setting]):
        pytest.skip("this server has not got it")

    require_sizes(mysql, lambda: run(mysql, session))


def test_so_it_is_without_checksums() -> None:
    with unchecked() as server:
        require_sizes(server, lambda: run(server, ""), checksum=False)


def test_so_it_is_in_the_log_of_a_replica_that_compresses_as_its_source_does_not() -> None:
    with pair("mysql") as servers:
        if has(servers.replica, COMPRESSION):
            servers.detach()
            servers.replica.execute("SET GLOBAL binlog_transaction_compression = ON")
            servers.attach()

        def act() -> None:
            run(servers.primary, "")
            servers.replicated()

        require_sizes(servers.replica, act)
