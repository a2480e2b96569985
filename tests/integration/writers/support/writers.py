"""Writers of a stream of a test's own."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import bson
from pymongo import MongoClient

from cdc.model.batch import Batch, MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.operation import Operation, OperationKind
from cdc.model.position import FilePosition
from cdc.writers.documents import document_id
from cdc.writers.namespaces import Namespaces
from cdc.writers.writer import MongoWriter

START = Checkpoint(FilePosition("binlog.000001", 4))
AFTER = Checkpoint(FilePosition("binlog.000001", 400))


def writer_of(
    client: MongoClient[dict[str, Any]],
    database: str,
    state_database: str,
    stream: str = "test",
    *,
    transactional: bool = True,
    hidden: Collection[str] = (),
    **options: Any,
) -> MongoWriter:
    """Return a writer; `hidden` are collections of the state database, `options` its own."""
    namespaces = Namespaces(database, state_database, stream, frozenset(hidden))
    return MongoWriter(client, namespaces, transactional=transactional, **options)


@contextmanager
def begun(
    client: MongoClient[dict[str, Any]], database: str, state_database: str, **options: Any
) -> Iterator[MongoWriter]:
    """Give the writer of a new stream that stands at START."""
    writer = writer_of(client, database, state_database, **options)
    writer.create(START, [])
    writer.take_over()
    try:
        yield writer
    finally:
        writer.close()


def full_batch(first: int, count: int) -> Batch:
    """A full batch of transactions that insert a document each, of `docs`."""
    entries = []
    for key in range(first, first + count):
        raw = bson.encode({"_id": key})
        insert = Operation(OperationKind.INSERT, document_id(raw), raw)
        after = Checkpoint(FilePosition("binlog.000001", 1_000 + key))
        changes = (("docs", [insert]),)
        entries.append(MappedTransaction(f"binlog.000001:{key}", after, 1.0, changes))
    return Batch(tuple(entries), is_filled=True)
