"""What is large is held no longer than it is needed."""

from __future__ import annotations

import tracemalloc

from cdc.readers.binlog.reader import BinlogReader
from cdc.readers.binlog.start_position import resolve_start
from cdc_sandbox.servers import MySQLServer
from tests.support.logins import login
from tests.support.runs import one_by_one

ROW_BYTES = 4_000_000
ROWS = 4


def test_a_transaction_is_handed_over_without_copies_of_its_event(
    source: MySQLServer, schema: str
) -> None:
    position = resolve_start(login(source), "now")
    source.execute(f"CREATE TABLE {schema}.large (id INT PRIMARY KEY, body LONGTEXT)")
    for key in range(ROWS):
        source.execute(f"INSERT INTO {schema}.large VALUES ({key}, REPEAT('x', {ROW_BYTES}))")
    reader = BinlogReader(
        login(source), follows=lambda name, _: name == schema, transaction_bytes=1 << 30
    )
    held: list[int] = []
    tracemalloc.start()

    for transaction in one_by_one(reader.transactions(position)):
        if transaction.changes:
            held.append(tracemalloc.get_traced_memory()[0])
        del transaction
        if len(held) == ROWS:
            break

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    reader.stop()
    assert max(held) < 1.5 * ROW_BYTES
    assert peak < 3.5 * ROW_BYTES
