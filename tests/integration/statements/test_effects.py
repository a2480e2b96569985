"""What the reader says that a statement did, held against what the server did, for many of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import pymysql
import pytest

from cdc.errors import RefusedEvent
from cdc.model.checkpoint import Checkpoint
from cdc.model.transaction import ANY_TABLE, Effect, SchemaChange, TableChange
from cdc.readers.binlog.reader import BinlogReader
from cdc.readers.binlog.start_position import resolve_start
from cdc_sandbox.servers import MySQLServer
from tests.integration.mapping.support.binlog import config
from tests.support.runs import one_by_one

if TYPE_CHECKING:
    from pymysql.cursors import Cursor

COLUMNS = "(id INT PRIMARY KEY, word VARCHAR(20)) ENGINE=InnoDB"
BEGIN, END = "the_begin", "the_end"
WITHOUT_MARKERS = f"table_schema = DATABASE() AND table_name NOT IN ('{BEGIN}', '{END}')"
STATEMENTS = [
    "TRUNCATE TABLE t",
    "TRUNCATE t",
    "TRUNCATE t\0",
    "/* one /*! two */ TRUNCATE t",
    "DROP TABLE t",
    "DROP TABLE IF EXISTS t, u, nope",
    "DROP TABLE IF EXISTS nope",
    "DROP TEMPORARY TABLE IF EXISTS t",
    "DROP VIEW IF EXISTS t",
    "RENAME TABLE t TO v",
    "RENAME TABLE t TO v, u TO t",
    "RENAME TABLE IF EXISTS nope TO v, t TO w",
    "RENAME TABLE IF EXISTS nope TO t",
    "ALTER TABLE t RENAME TO v",
    "ALTER TABLE t RENAME TO v, ADD COLUMN number INT",
    "ALTER TABLE t RENAME TO t",
    "ALTER TABLE t ENGINE=MyISAM",
    "ALTER TABLE t ADD COLUMN number INT DEFAULT 1",
    "ALTER TABLE IF EXISTS t ADD COLUMN IF NOT EXISTS word INT",
    "ALTER TABLE IF EXISTS nope ADD COLUMN number INT",
    "ALTER TABLE t DROP COLUMN IF EXISTS nope",
    "ALTER TABLE t DROP COLUMN word",
    "ALTER TABLE t MODIFY word VARCHAR(30)",
    "ALTER TABLE t ADD UNIQUE (word)",
    "ALTER TABLE t ADD PRIMARY KEY (word)",
    "ALTER TABLE t COMMENT 'DROP TABLE t'",
    "ALTER IGNORE TABLE t ADD UNIQUE (word)",
    "CREATE TABLE t (id INT)",
    "CREATE TABLE IF NOT EXISTS t (id INT) ENGINE=MyISAM",
    "CREATE TABLE IF NOT EXISTS t LIKE u",
    "CREATE TABLE IF NOT EXISTS t SELECT 1 AS id",
    "CREATE TABLE v (id INT) ENGINE=MyISAM",
    "CREATE TABLE v LIKE t",
    "CREATE OR REPLACE TABLE t (id INT PRIMARY KEY, word VARCHAR(20))",
    "CREATE OR REPLACE TABLE t (id INT, id INT)",
    "CREATE OR REPLACE TABLE t SELECT 1 AS id, (SELECT 1 UNION SELECT 2) AS word",
    "CREATE OR REPLACE TABLE u (id INT)",
    "CREATE OR REPLACE SEQUENCE t",
    "CREATE OR REPLACE SEQUENCE v",
    "CREATE INDEX IF NOT EXISTS by_word ON t (word)",
    "CREATE INDEX by_word ON t (word)",
    "CREATE UNIQUE INDEX by_word ON t (word)",
    "CREATE OR REPLACE VIEW v AS SELECT * FROM t",
    "CREATE DATABASE IF NOT EXISTS {schema}",
    "DROP DATABASE IF EXISTS {schema}_nope",
    "ANALYZE TABLE t",
    "OPTIMIZE TABLE t",
    "CHECK TABLE t",
    "INSERT INTO t VALUES (9, 'nine')",
    "UPDATE t SET word = 'other'",
    "UPDATE u JOIN t ON u.id = t.id SET t.word = 'other'",
    "DELETE FROM t",
    "DELETE t FROM t, u",
    "REPLACE INTO t SELECT 7, 'seven'",
    "INSERT INTO u SELECT id + 10, word FROM t",
    "CALL empties()",
    "SELECT writes()",
]
BEFORE = {
    "alone": [],
    "beside a temporary table of its name": ["CREATE TEMPORARY TABLE t " + COLUMNS],
    "beside another temporary table": ["CREATE TEMPORARY TABLE u " + COLUMNS],
}
SURELY_GONE = {Effect.EMPTIED, Effect.REMOVED, Effect.UNFIT}


class State(NamedTuple):
    """What the server has of a table: None where there is none."""

    definition: str | None
    rows: tuple[Any, ...]

    @property
    def engine(self) -> str:
        return "MyISAM" if "ENGINE=MyISAM" in (self.definition or "") else "InnoDB"

    @property
    def is_table(self) -> bool:
        return self.definition is not None and "SEQUENCE=1" not in self.definition


class Said(NamedTuple):
    """What the reader has made of the statement."""

    changes: list[TableChange]
    has_rows: bool
    refused: bool


FORMATS = [
    ("ROW", "alone"),
    ("ROW", "beside a temporary table of its name"),
    ("STATEMENT", "beside a temporary table of its name"),
    ("STATEMENT", "beside another temporary table"),
]


class Done(NamedTuple):
    """What a statement did on the server: from `began` on it stands in the binlog."""

    statement: str
    began: Checkpoint
    was: State
    now: State


@pytest.mark.slow
@pytest.mark.parametrize(("binlog_format", "before"), FORMATS)
def test_the_reader_says_of_each_statement_what_the_server_did(
    source: MySQLServer, schema: str, binlog_format: str, before: str
) -> None:
    session = [f"SET SESSION binlog_format = {binlog_format}", *BEFORE[before]]

    with source.connect(schema) as connection, connection.cursor() as admin:
        prepare(admin)
        done = [carried_out(source, schema, admin, session, each) for each in STATEMENTS]
    told = all_said(source, schema, done)

    wrong = [
        f"{each.statement}: {complaint}; {said}"
        for each, said in zip(done, told, strict=True)
        if (complaint := judged(each.was, each.now, said, as_rows=binlog_format == "ROW"))
    ]
    assert wrong == []


def carried_out(
    server: MySQLServer, schema: str, admin: Cursor, session: list[str], statement: str
) -> Done:
    was, began = reset(admin), resolve_start(config(server), "now")
    admin.execute(f"INSERT INTO {BEGIN} VALUES (1)")
    with server.connect(schema) as connection, connection.cursor() as cursor:
        for each in (*session, statement.format(schema=schema)):
            with suppress(pymysql.MySQLError):  # this server does not know it, or it failed
                cursor.execute(each)
    admin.execute(f"INSERT INTO {END} VALUES (1)")
    return Done(statement, began, was, state(admin, "t"))


def judged(was: State, now: State, told: Said, *, as_rows: bool) -> str:
    """Return what is wrong with what was told; nothing where it is right, or in doubt."""
    if told.refused:
        return "refused though all rows are logged" if as_rows else ""
    effects = {each.effect for each in told.changes}
    sure = {each.effect for each in told.changes if not each.doubtful}
    if was == now:
        return "it did nothing" if sure & SURELY_GONE else ""
    if not now.is_table:
        asked = any(each.effect is Effect.BROUGHT_IN and each.doubtful for each in told.changes)
        return "" if Effect.REMOVED in effects or asked else "the table went"
    if now.engine != was.engine:
        return "" if Effect.UNFIT in effects else "the engine changed"
    if was.rows != now.rows and not told.has_rows:
        told_so = effects & {Effect.EMPTIED, Effect.BROUGHT_IN, Effect.REWRITTEN}
        return "" if told_so else "rows changed"
    return ""


def prepare(admin: Cursor) -> None:
    for statement in (
        "SET GLOBAL log_bin_trust_function_creators = ON",
        f"CREATE TABLE {BEGIN} (id INT)",
        f"CREATE TABLE {END} (id INT)",
        "CREATE PROCEDURE empties() BEGIN DROP TABLE IF EXISTS nope; TRUNCATE TABLE t; END",
        "CREATE FUNCTION writes() RETURNS INT BEGIN DELETE FROM t; RETURN 1; END",
    ):
        admin.execute(statement)


def reset(admin: Cursor) -> State:
    """Have the tables t and u as they begin, and nothing else; return what t is like."""
    admin.execute(
        f"SELECT table_name, table_type FROM information_schema.tables WHERE {WITHOUT_MARKERS}"
    )
    for name, kind in admin.fetchall():
        admin.execute(f"DROP {'VIEW' if kind == 'VIEW' else 'TABLE'} `{name}`")
    for name in ("t", "u"):
        admin.execute(f"CREATE TABLE {name} {COLUMNS}")
        admin.execute(f"INSERT INTO {name} VALUES (1, 'same'), (2, 'same')")
    return state(admin, "t")


def state(admin: Cursor, table: str) -> State:
    try:
        admin.execute(f"SHOW CREATE TABLE {table}")
    except pymysql.MySQLError:
        return State(None, ())
    [(_, definition)] = admin.fetchall()
    admin.execute(f"SELECT * FROM {table} ORDER BY 1")
    return State(definition, tuple(admin.fetchall()))


def all_said(server: MySQLServer, schema: str, done: list[Done]) -> list[Said]:
    """Read on from the first one to the last; behind what is refused another reader goes on."""
    found: list[Said] = []
    while len(found) < len(done):
        found += said(server, schema, done[len(found)].began, len(done) - len(found))
    return found


def said(server: MySQLServer, schema: str, began: Checkpoint, most: int) -> Iterator[Said]:
    """Yield what is said of the table t, of each statement, up to what the reader refuses."""

    def follows(one: str, table: str) -> bool:
        return one == schema and table in {"t", BEGIN, END, ANY_TABLE}

    reader = BinlogReader(config(server), follows=follows, transaction_bytes=1 << 24)
    changes: list[TableChange] = []
    rows = 0
    try:
        for transaction in one_by_one(reader.transactions(began)):
            for change in transaction.changes:
                if isinstance(change, SchemaChange):
                    changes += [each for each in change.tables if each.table == "t"]
                elif change.table.table == "t":
                    rows += 1
                elif change.table.table == BEGIN:
                    changes, rows = [], 0
                else:
                    yield Said([*changes], bool(rows), refused=False)
                    most -= 1
            if not most:
                return
    except RefusedEvent:
        yield Said([*changes], bool(rows), refused=True)
    finally:
        reader.stop()
