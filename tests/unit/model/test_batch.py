from __future__ import annotations

from cdc.model.batch import Batch, MappedTransaction
from cdc.model.checkpoint import Checkpoint, Inflight
from cdc.model.position import FilePosition


def test_a_part_of_a_large_transaction_does_not_complete_it() -> None:
    part = Checkpoint(FilePosition("b.000001", 4), Inflight("uuid:7", 3))
    whole = Checkpoint(FilePosition("b.000001", 90))

    both = Batch((MappedTransaction("uuid:6", whole, 1.0), MappedTransaction("uuid:7", part, 2.0)))

    assert both.identities == ["uuid:6"]
