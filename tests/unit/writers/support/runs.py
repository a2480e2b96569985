"""Runs whose rows are ids, and what mapping them would make."""

from __future__ import annotations

from collections.abc import Sequence

import bson

from cdc.model.batch import MappedRun
from cdc.model.checkpoint import Checkpoint
from cdc.model.mapped_run import RunOperations, mapped_run
from cdc.model.operation import Operation, OperationKind
from cdc.model.position import FilePosition, Position
from cdc.model.table_map import TableMap
from cdc.model.transaction import RowsEvent, RowsKind, RunRows, Transaction
from tests.support.runs import run_of

TABLES = {each: TableMap("shop", each, ()) for each in ("a", "b")}

Rows = Sequence[tuple[str, Sequence[int]]]
"""What a transaction does: of each event the table, and the ids of its rows."""


def position(number: int) -> Position:
    return FilePosition("log.1", 10 * number + 10)


def transaction(number: int, rows: Rows) -> Transaction:
    """A transaction whose images are ids, of a byte each."""
    events = tuple(
        RowsEvent(TABLES[table], RowsKind.UPDATE, b"", b"", bytes(ids)) for table, ids in rows
    )
    behind = Checkpoint(position(number))
    return Transaction(f"log.1:{10 * number}", position(number - 1), behind, 0.0, events)


def operations(rows: RunRows) -> RunOperations:
    """An operation for each id that is even; each is another, so that their order can be told."""
    made: list[Operation] = []
    counts = []
    for at, row in enumerate(rows.event.images):
        if row % 2 == 0:
            document = bson.encode({"_id": row, "nth": at})
            made.append(Operation(OperationKind.REPLACE, document[4:5] + document[9:13], document))
        if at + 1 in rows.ends:
            counts += [len(made)] * rows.ends.count(at + 1)
    empty = len(rows.ends) - len(counts)
    return RunOperations(rows.event.table.table, True, made, [0] * empty + counts, [])


def run(transactions: Sequence[Transaction]) -> MappedRun:
    found = run_of(transactions)
    return mapped_run(found, [[operations(rows)] for rows in found.rows])
