"""What is taken for the time of a commit, where the session's clock was set."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from cdc.model.checkpoint import Checkpoint
from cdc.model.transaction import RowsEvent, Transaction, TransactionRun
from cdc.readers.binlog.reader import BinlogReader
from cdc.readers.binlog.start_position import resolve_start
from cdc_sandbox.servers import MySQLServer
from tests.integration.mapping.support.binlog import config
from tests.support.runs import one_by_one
from tests.unit.native.support.module import needs_native

MOMENTS = ("2001-02-03 04:05:06", "2038-01-19 03:14:07")
NEAR_SECONDS = 65.0


def insert(server: MySQLServer, schema: str, moment: str, *numbers: int) -> None:
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SET time_zone = '+00:00'")
        cursor.execute(f"SET timestamp = UNIX_TIMESTAMP('{moment}')")
        for number in numbers:
            cursor.execute(f"INSERT INTO {schema}.t VALUES ({number})")


def transactions(reader: BinlogReader, where: Checkpoint, count: int) -> list[Transaction]:
    """The next so many transactions that hold rows."""
    found: list[Transaction] = []
    for transaction in one_by_one(reader.transactions(where)):
        if any(isinstance(change, RowsEvent) for change in transaction.changes):
            found.append(transaction)
        if len(found) == count:
            reader.stop()
    return found


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_session_with_a_clock_of_its_own_commits_at_the_source_s_time(
    source: MySQLServer, schema: str, moment: str
) -> None:
    source.execute(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
    settings = config(source)
    where = resolve_start(settings, "now")
    reader = BinlogReader(settings, follows=lambda one, _: one == schema, transaction_bytes=1 << 24)
    source.execute(f"INSERT INTO {schema}.t VALUES (0)")  # what comes later is committed later
    insert(source, schema, moment, 1)
    source.execute(f"INSERT INTO {schema}.t VALUES (2)")

    found = transactions(reader, where, 3)

    now = time.time()
    for transaction in found:
        assert now - NEAR_SECONDS < transaction.committed_at < now + 1


@needs_native
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_of_such_a_session_began_at_the_source_s_time_too(
    source: MySQLServer, schema: str, moment: str
) -> None:
    source.execute(f"CREATE TABLE {schema}.t (id INT PRIMARY KEY)")
    source.execute("FLUSH BINARY LOGS")  # none of them is older than its file
    settings = config(source)
    where = resolve_start(settings, "now")
    insert(source, schema, moment, *range(20))
    reader = BinlogReader(settings, follows=lambda one, _: one == schema, transaction_bytes=1 << 24)

    runs = []
    for found in reader.transactions(where):
        if isinstance(found, TransactionRun):
            runs.append(found)
            reader.stop()

    now = time.time()
    for run in runs:
        assert now - NEAR_SECONDS < run.first_committed_at <= run.committed_at < now + 1
    assert runs
