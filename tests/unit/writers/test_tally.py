from __future__ import annotations

from cdc.checkpoint import Checkpoint
from cdc.position import GtidPosition, GtidSet
from cdc.writers.batch import Batch, MappedTransaction
from cdc.writers.tally import Tally

CHECKPOINT = Checkpoint(GtidPosition(GtidSet({})))
STREAMED = Batch((MappedTransaction("gtid:1", CHECKPOINT, 1_000.0),))
COPIED = Batch((MappedTransaction("", CHECKPOINT, None),))


def test_a_chunk_tells_nothing_of_when_the_source_committed() -> None:
    tally = Tally()

    tally.applied(STREAMED, [], 0.1)
    tally.applied(COPIED, [], 0.1)

    assert tally.facts().committed_at == 1_000.0
    assert tally.facts().batches == 2
    assert tally.facts().transactions == 1
