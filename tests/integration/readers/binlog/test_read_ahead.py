"""Transactions of real servers, read whole by the native module and event by event."""

from __future__ import annotations

from contextlib import closing
from unittest import mock

import pytest

from cdc.model.checkpoint import Checkpoint
from cdc.readers.binlog import read_ahead
from cdc.readers.binlog.events import EventType
from cdc.readers.binlog.table_maps import TableMapCache
from cdc.readers.binlog.transaction_assembler import TransactionAssembler
from cdc_sandbox.servers import MySQLServer
from tests.integration.mapping.support.raw_events import recorded
from tests.support.event_streams import Outcome, in_pieces, outcome, packets
from tests.unit.native.support.module import NATIVE, needs_native

pytestmark = needs_native

MARKER = "the_end_of_the_recording"
TRANSACTIONS = 40


def workload(server: MySQLServer, schema: str) -> None:
    with closing(server.connect(schema)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (id INT PRIMARY KEY, word VARCHAR(50), number BIGINT)")
        cursor.execute("CREATE TABLE unfollowed (id INT PRIMARY KEY)")
        inserting = "INSERT INTO t (id, word, number) VALUES"
        for number in range(TRANSACTIONS):
            cursor.execute(f"{inserting} (%s, REPEAT('x', %s), 1)", (number, number))
            cursor.execute(
                "UPDATE t SET number = number + 1, word = NULL WHERE id >= %s", (number,)
            )
            cursor.execute("INSERT INTO unfollowed VALUES (%s)", (number,))
            if number % 5 == 0:
                cursor.execute("BEGIN")
                cursor.execute("DELETE FROM t WHERE id = %s", (number,))
                cursor.execute(f"{inserting} (%s, 'y', NULL), (-1, 'ü', 2)", (number,))
                cursor.execute("DELETE FROM t WHERE id = -1")
                cursor.execute("COMMIT")
            if number == TRANSACTIONS // 2:
                cursor.execute("ALTER TABLE t ADD more INT DEFAULT 7")
        cursor.execute(f"CREATE TABLE {MARKER} (id INT)")


def read(
    server: MySQLServer, schema: str, start: Checkpoint, received: list[bytes], native: object
) -> Outcome:
    mariadb = server.flavour == "mariadb"
    tables = TableMapCache(
        lambda one, table: (one, table) == (schema, "t"), lambda raw, _: raw.decode(), mariadb
    )
    assembler = TransactionAssembler(start, tables=tables, transaction_bytes=1 << 20)
    with mock.patch.object(read_ahead, "native", native):
        return outcome(received, assembler, checksum=True)


@pytest.mark.parametrize("piece", [800, 5_000, 1 << 20])
def test_transactions_read_whole_are_those_of_single_events(
    source: MySQLServer, schema: str, piece: int
) -> None:
    start, events = recorded(source, lambda: workload(source, schema), MARKER.encode())
    sent = packets(events)
    received = in_pieces(sent, [piece] * (len(sent) // piece))
    native = mock.Mock(wraps=NATIVE)

    whole = read(source, schema, start, received, native)

    assert whole == read(source, schema, start, received, None)
    assert whole.error == ""
    assert len(whole.transactions) > 3 * TRANSACTIONS
    calls = [call.args for call in native.read_run.call_args_list if call.args[-1] > 1]
    runs = [NATIVE.read_run(*arguments) for arguments in calls]
    found = sum(each[0] for each in runs if each is not None)
    commits = sum(1 for each in events if each[4] == EventType.XID)
    assert found > commits * (0.9 if piece > 800 else 0.2)
