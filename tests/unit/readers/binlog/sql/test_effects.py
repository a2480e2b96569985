"""What becomes of a statement by its event's flags, its error and its session."""

from __future__ import annotations

import pytest

from cdc.errors import RefusedEvent
from cdc.model.checkpoint import Checkpoint
from cdc.model.position import GtidPosition, GtidSet, MariadbGtids
from cdc.model.transaction import ANY_TABLE, Effect, SchemaChange, TableChange
from cdc.readers.binlog.events import Event, EventType
from cdc.readers.binlog.gtid_events import MariadbGtidFlag
from cdc.readers.binlog.sql.query_event import LOG_EVENT_THREAD_SPECIFIC
from cdc.readers.binlog.table_maps import TableMapCache
from cdc.readers.binlog.transaction_assembler import TransactionAssembler
from tests.unit.readers.binlog.support import binlog_bytes as binlog

PHASES = {
    "start": b"\x82\x02",
    "commit": b"\x82\x04" + bytes(8),
    "rollback": b"\x82\x08" + bytes(8),
}


def assembler(*, mariadb: bool, ignored: tuple[str, ...] = ()) -> TransactionAssembler:
    def follows(schema: str, table: str) -> bool:
        return (schema, table) in {("db", "t"), ("db", ANY_TABLE)}

    gtids = MariadbGtids() if mariadb else GtidSet()
    return TransactionAssembler(
        Checkpoint(GtidPosition(gtids), None, "server"),
        tables=TableMapCache(follows, lambda raw, _: raw.decode(), mariadb),
        transaction_bytes=1_000,
        ignored=ignored,
    )


def gtid(*, mariadb: bool) -> Event:
    if mariadb:
        return binlog.mariadb_gtid(1, flags=MariadbGtidFlag.STANDALONE)
    return binlog.gtid(1)


def told(event: Event, *, mariadb: bool) -> list[TableChange]:
    """What is told of the followed table, by a statement on its own."""
    subject = assembler(mariadb=mariadb)
    subject.feed(gtid(mariadb=mariadb))
    transaction = subject.feed(event)
    assert transaction is not None
    changes = [each for each in transaction.changes if isinstance(each, SchemaChange)]
    return [table for change in changes for table in change.tables]


@pytest.mark.parametrize("mariadb", [False, True])
@pytest.mark.parametrize("statement", ["TRUNCATE TABLE t", "ALTER TABLE t ENGINE=MyISAM"])
def test_what_may_be_done_to_a_temporary_table_is_doubtful(mariadb: bool, statement: str) -> None:
    for flags, doubtful in ((0, False), (LOG_EVENT_THREAD_SPECIFIC, True)):
        [change] = told(binlog.query(statement, flags=flags), mariadb=mariadb)

        assert change.doubtful is doubtful


@pytest.mark.parametrize("mariadb", [False, True])
def test_a_drop_says_itself_whether_it_is_of_a_temporary_table(mariadb: bool) -> None:
    dropped = binlog.query("DROP TABLE `t` /* generated */", flags=LOG_EVENT_THREAD_SPECIFIC)
    temporary = binlog.query("DROP /*!40005 TEMPORARY */ TABLE IF EXISTS `t`")

    assert told(dropped, mariadb=mariadb) == [TableChange("db", "t", Effect.REMOVED)]
    assert told(temporary, mariadb=mariadb) == []


@pytest.mark.parametrize("statement", ["RENAME TABLE t TO u", "ALTER TABLE t RENAME TO u"])
def test_only_mariadb_renames_temporary_tables_without_a_sign(statement: str) -> None:
    [on_mysql] = told(binlog.query(statement), mariadb=False)
    [on_mariadb] = told(binlog.query(statement), mariadb=True)

    assert (on_mysql.effect, on_mariadb.effect) == (Effect.REMOVED, Effect.REMOVED)
    assert (on_mysql.doubtful, on_mariadb.doubtful) == (False, True)


def test_an_alter_in_two_phases_counts_at_its_commit_and_each_phase_moves_the_position() -> None:
    statement = "ALTER TABLE t MODIFY a BIGINT"

    by_phase = {
        name: told(binlog.query(statement, status=status), mariadb=True)
        for name, status in PHASES.items()
    }

    assert by_phase == {
        "start": [],
        "commit": [TableChange("db", "t", Effect.REWRITTEN)],
        "rollback": [],
    }


def test_a_create_or_replace_that_failed_has_dropped_the_table() -> None:
    event = binlog.query("CREATE OR REPLACE TABLE t (a INT, a INT)", error=1060)

    assert told(event, mariadb=True) == [TableChange("db", "t", Effect.REMOVED, doubtful=True)]


def test_a_rollback_does_not_bring_a_dropped_table_back() -> None:
    subject = assembler(mariadb=True)

    for event in (binlog.mariadb_gtid(1), binlog.query("DROP TABLE IF EXISTS `db`.`t`")):
        assert subject.feed(event) is None
    transaction = subject.feed(binlog.query("ROLLBACK"))

    assert transaction is not None
    [change] = transaction.changes
    assert isinstance(change, SchemaChange)
    assert change.tables == (TableChange("db", "t", Effect.REMOVED),)


def test_a_file_that_is_loaded_by_statement_belongs_to_its_statement() -> None:
    subject = assembler(mariadb=False, ignored=("db.u",))
    blocks = [
        binlog.event(kind, bytes(4) + b"1\tq\n")
        for kind in (EventType.BEGIN_LOAD_QUERY, EventType.APPEND_BLOCK)
    ]

    for event in (
        binlog.gtid(1),
        binlog.query("BEGIN"),
        *blocks,
        binlog.loading("LOAD DATA INFILE 'x' INTO TABLE u"),
        *blocks,
    ):
        assert subject.feed(event) is None
    with pytest.raises(RefusedEvent, match="as a statement") as caught:
        subject.feed(binlog.loading("LOAD DATA INFILE 'x' INTO TABLE t"))

    assert caught.value.table == "db.t"


def test_a_statement_that_passes_moves_the_position() -> None:
    subject = assembler(mariadb=False)

    for event in (
        binlog.gtid(1),
        binlog.query("BEGIN"),
        binlog.query("INSERT INTO mysql.rds_heartbeat2(id, value) values (1, 2)"),
    ):
        assert subject.feed(event) is None
    transaction = subject.feed(binlog.xid())

    assert transaction is not None
    assert transaction.changes == ()
    assert str(transaction.checkpoint.position) == f"{binlog.SERVER}:1"


@pytest.mark.parametrize("mariadb", [False, True])
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO mysql.rds_heartbeat2(id, value) values (1,1483041015005)"
        " ON DUPLICATE KEY UPDATE value = 1483041015005",
        "INSERT INTO mysql.rds_sysinfo(name, value) values ('innodb_txn_key','Thu Sep 19 19:38')",
        "INSERT INTO mysql.rds_monitor(name, value) values ('innodb_txn_key','Sat Jun 13 06:26')",
        "DELETE FROM mysql.rds_sysinfo where name = 'innodb_txn_key'",
    ],
)
def test_the_housekeeping_of_amazon_s_servers_passes(statement: str, mariadb: bool) -> None:
    """The statements are those in tests of Debezium, and of PeerDB for MariaDB."""
    prefix = "SET STATEMENT max_statement_time=60 FOR " if mariadb else ""
    subject = assembler(mariadb=mariadb)
    subject.feed(binlog.mariadb_gtid(1) if mariadb else binlog.gtid(1))

    if not mariadb:
        subject.feed(binlog.query("BEGIN"))
    subject.feed(binlog.query(prefix + statement, schema="mysql"))
    transaction = subject.feed(binlog.xid())

    assert transaction is not None
    assert transaction.changes == ()


def test_a_flush_with_settings_of_its_own_passes() -> None:
    statement = "SET STATEMENT max_statement_time=60 FOR flush table"

    assert told(binlog.query(statement, schema="mysql"), mariadb=True) == []
