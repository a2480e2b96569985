"""What a refused batch leaves in memory, however often it is tried again."""

from __future__ import annotations

import gc
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bson
import pytest
from pymongo import MongoClient

from cdc.model.batch import Batch, MappedTransaction
from cdc.model.dead_letter import Origin
from cdc.model.operation import Operation, OperationKind
from cdc.writers.writer import MongoWriter
from tests.integration.writers.support.writers import AFTER, begun
from tests.support.waiting import eventually

DOCUMENTS = 1_000
BYTES = 7_000_000
ATTEMPTS = 8
A_TENTH = BYTES // 10


@pytest.fixture
def writer(
    client: MongoClient[dict[str, Any]], database: str, state_database: str
) -> Iterator[MongoWriter]:
    """A writer whose lease bounds the waits between attempts, too."""
    with begun(client, database, state_database, lease_seconds=1.0) as writer:
        yield writer


@pytest.fixture
def batch() -> Batch:
    text = "x" * (BYTES // DOCUMENTS)
    raws = [bson.encode({"_id": number, "text": text}) for number in range(DOCUMENTS)]
    operations = [Operation(OperationKind.INSERT, raw[4:5] + raw[9:13], raw) for raw in raws]
    origin = Origin("a.b", halts=False)
    change = (("docs", operations),)
    return Batch((MappedTransaction("x", AFTER, 1.0, change, BYTES, origins=(origin,)),))


@contextmanager
def only_counted() -> Iterator[None]:
    """Only counted references free memory, as between two of the collector's looks."""
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()
        gc.enable()


@pytest.mark.slow
def test_a_batch_that_meets_a_conflict_again_and_again_takes_no_more_memory(
    writer: MongoWriter, client: MongoClient[dict[str, Any]], database: str, batch: Batch
) -> None:
    """About 5 seconds."""
    docs = client[database]["docs"]
    docs.insert_one({"_id": DOCUMENTS - 1})
    applying = threading.Thread(target=writer.apply, args=(batch,))

    def traced(attempts: int) -> int:
        eventually(lambda: writer.stats().retries >= attempts)
        return tracemalloc.get_traced_memory()[0]

    with only_counted(), client.start_session() as session, session.start_transaction():
        docs.update_one({"_id": DOCUMENTS - 1}, {"$set": {"n": 1}}, session=session)
        applying.start()
        few, many = traced(2), traced(2 + ATTEMPTS)
        session.abort_transaction()
        applying.join(60)

    assert many - few < 3 * BYTES, "one command is being sent, or none"
    assert docs.count_documents({}) == DOCUMENTS


def test_a_batch_of_which_much_is_set_aside_leaves_nothing(
    writer: MongoWriter, client: MongoClient[dict[str, Any]], database: str, batch: Batch
) -> None:
    client[database].command({"create": "docs", "validator": {"_id": {"$gte": ATTEMPTS}}})

    with only_counted():
        before = tracemalloc.get_traced_memory()[0]
        writer.apply(batch)
        after = tracemalloc.get_traced_memory()[0]

    assert writer.stats().open_letters == ATTEMPTS
    assert after - before < A_TENTH
