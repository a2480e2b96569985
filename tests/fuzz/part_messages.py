"""A message of the topic of parts is a part in which everything has its type, or is refused."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from bson import ObjectId, Timestamp

from cdc.model.checkpoint import Checkpoint
from cdc.model.done import Span
from cdc.model.operation import Operation, OperationKind
from cdc.model.position import FilePosition, GtidPosition, GtidSet
from cdc.model.witness import Witness
from cdc.writers.clock import Clock
from cdc.writers.lane_documents import LanePart
from cdc.writers.part_message import Invitation, PartMessage, PartUnreadable, decode
from cdc.writers.sharding import Sharding
from cdc.writers.strategy import WriteStrategy


def part_message(data: bytes) -> None:
    """Read a message; what is read and written must be read again as the same.

    Of what a message says of collections that it does not change, nothing is written.
    """
    with suppress(PartUnreadable):
        found = decode(data)
        if isinstance(found, PartMessage):
            _assert_usable(found)
        else:
            assert isinstance(found.stream, str)
        written = decode(found.encode())
        assert decode(written.encode()) == written


def _assert_usable(found: PartMessage) -> None:
    """Use each field as an applier does: a wrong type would end it, and the next one, too."""
    assert all(isinstance(each, str) for each in (*found.hidden, *found.stamps))
    assert all(isinstance(each, str) for each in found.stamps.values())
    assert found.committed_at is None or isinstance(found.committed_at, int | float)
    assert isinstance(found.sharding.is_sharded, bool)
    for name, paths in found.sharding.paths.items():
        assert isinstance(name, str)
        assert all(isinstance(each, str) for path in paths for each in path)
    for name, operations in found.changes:
        assert isinstance(name, str)
        assert all(isinstance(each.id, bytes) for each in operations)
    cluster, operation = found.clock
    assert cluster is None or isinstance(cluster["clusterTime"], Timestamp)
    assert operation is None or isinstance(operation, Timestamp)
    assert found.batch.checkpoint == found.note.last


def seeds() -> Iterable[bytes]:
    """Return an invitation, and parts with all that they can hold."""
    lane = ObjectId("65f000000000000000000001")
    yield Invitation(lane, "orders").encode()
    insert = Operation(OperationKind.INSERT, b"\x10\1\0\0\0", b"\x0e\0\0\0\x10_id\0\1\0\0\0\0")
    delete = Operation(OperationKind.DELETE, b"\x10\2\0\0\0")
    witness = Witness("server", "binlog.000001", 1, 4, b"event")
    for position in (FilePosition("binlog.000001", 90), GtidPosition(GtidSet())):
        yield PartMessage(
            lane,
            7,
            LanePart((Span("0-1-", 4, 5),), 3, Checkpoint(position, None, "server", witness)),
            2,
            1.5,
            WriteStrategy.UPSERT,
            Clock({"clusterTime": Timestamp(5, 1), "signature": {}}, Timestamp(5, 1)),
            frozenset({"people"}),
            {"items": "synced_at"},
            Sharding({"people": (("town",), ("a", "b"))}),
            [("items", [insert, delete]), ("people", [delete])],
        ).encode()
