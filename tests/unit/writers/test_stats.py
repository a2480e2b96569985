from __future__ import annotations

from cdc.model.batch import Batch, MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.position import GtidPosition, GtidSet
from cdc.writers.stats import WriterCounters

CHECKPOINT = Checkpoint(GtidPosition(GtidSet({})))
STREAMED = Batch((MappedTransaction("gtid:1", CHECKPOINT, 1_000.0),))
COPIED = Batch((MappedTransaction("", CHECKPOINT, None),))


def test_a_chunk_tells_nothing_of_when_the_source_committed() -> None:
    counters = WriterCounters()

    counters.applied(STREAMED, [], 0.1)
    counters.applied(COPIED, [], 0.1)

    assert counters.stats().committed_at == 1_000.0
    assert counters.stats().batches == 2
    assert counters.stats().transactions == 1
