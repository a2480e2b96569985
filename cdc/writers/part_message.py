"""A part of a round as bytes, on its way to an applier.

A BSON document: what the applier's transaction needs beside the target's address. Operations are
packed by collection, since there are thousands: their kinds, a byte each; their ids, back to back;
the sizes of their ids and documents, four little-endian bytes each. The documents follow behind it,
back to back: within it the driver would copy them again and again.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, Final, NamedTuple, Self

import bson
from bson import ObjectId, Timestamp
from pymongo.client_session import ClientSession

from cdc.errors import CdcError
from cdc.model.batch import Batch, MappedRun, MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.done import Span, spans_of, spans_to_document
from cdc.model.operation import Operation, OperationKind
from cdc.writers.lane_documents import LanePart
from cdc.writers.namespaces import Namespaces
from cdc.writers.sharding import Sharding
from cdc.writers.strategy import WriteStrategy
from cdc.writers.sync_timestamps import SyncTimestamps

VERSION: Final = 1
"""Of the format; an applier drops a part of another one."""

_KINDS: Final = tuple(OperationKind)

Document = dict[str, Any]
Changes = Sequence[tuple[str, Sequence[Operation]]]


class PartUnreadable(CdcError):
    """What arrived is no part that this version can read."""


class Clock(NamedTuple):
    """What a session knows of: the cluster's time, signed, and the time of its last operation."""

    cluster: Mapping[str, Any] | None
    operation: Timestamp | None

    @classmethod
    def of(cls, session: ClientSession) -> Self:
        """Return a session's."""
        return cls(session.cluster_time, session.operation_time)

    def advance(self, session: ClientSession) -> None:
        """Make a session's next transaction see all that is known."""
        if self.cluster is not None:
            session.advance_cluster_time(self.cluster)
        if self.operation is not None:
            session.advance_operation_time(self.operation)


class Invitation(NamedTuple):
    """Asks for somebody who attends a lane."""

    lane: ObjectId
    stream: str

    def encode(self) -> bytes:
        """Return its bytes."""
        return bson.encode({"version": VERSION, "invited": self.stream, "lane": self.lane})


@dataclass(frozen=True, slots=True)
class PartMessage:
    """All that an applier needs to write a part.

    `completed` is the number of its source transactions, `committed_at` the commit time of the last
    of them in seconds since the epoch, None if unknown.
    """

    lane: ObjectId
    round: int
    note: LanePart
    completed: int
    committed_at: float | None
    strategy: WriteStrategy
    clock: Clock
    namespaces: Namespaces
    stamps: Mapping[str, str]
    sharding: Sharding
    changes: Changes

    def encode(self) -> bytes:
        """Return its bytes."""
        changes, target = _by_collection(self.changes), self.namespaces
        names = changes.keys()
        head = bson.encode(
            {
                "version": VERSION,
                "lane": self.lane,
                "round": self.round,
                "done": spans_to_document(self.note.spans),
                "place": self.note.place,
                "last": self.note.last.to_document(),
                "completed": self.completed,
                "committed_at": self.committed_at,
                "strategy": self.strategy.value,
                "cluster_time": self.clock.cluster,
                "operation_time": self.clock.operation,
                "stream": target.stream,
                "database": target.database,
                "state_database": target.state_database,
                "hidden": sorted(names & target.hidden),
                "stamps": [[name, self.stamps[name]] for name in names & self.stamps.keys()],
                "shard": [
                    [name, [[*path] for path in paths]]
                    for name in names
                    if (paths := self.sharding.of_collection(name))
                ],
                "sharded": self.sharding.is_sharded,
                "changes": [
                    {"collection": name, **_packed(operations)}
                    for name, operations in changes.items()
                ],
            }
        )
        documents = [each.document for operations in changes.values() for each in operations]
        return b"".join([head, *documents])

    @classmethod
    def of(cls, found: Document, data: bytes) -> Self:
        """Return what the document of `encode` says, which is at the beginning of `data`."""
        return cls(
            found["lane"],
            int(found["round"]),
            LanePart(
                spans_of(found["done"]),
                int(found["place"]),
                Checkpoint.from_document(found["last"]),
            ),
            int(found["completed"]),
            found["committed_at"],
            WriteStrategy(found["strategy"]),
            Clock(found["cluster_time"], found["operation_time"]),
            Namespaces(
                found["database"],
                found["state_database"],
                found["stream"],
                frozenset(found["hidden"]),
            ),
            dict(found["stamps"]),
            Sharding(
                {name: tuple(tuple(path) for path in paths) for name, paths in found["shard"]},
                is_sharded=found["sharded"],
            ),
            [*_unpacked(found["changes"], data)],
        )

    @property
    def timestamps(self) -> SyncTimestamps:
        """The stamps of its collections."""
        return SyncTimestamps(self.stamps)

    @property
    def batch(self) -> Batch:
        """The part as a batch of one entry, which names its source transactions if asked."""
        spans, last = tuple(self.note.spans), self.note.last
        at = self.committed_at or 0.0
        run = MappedRun(
            self.completed,
            last,
            at,
            at,
            tuple(self.changes),
            0,
            (),
            spans[0],
            lambda: _named(spans, last),
        )
        return Batch((run,), is_filled=True)


def decode(data: bytes) -> PartMessage | Invitation:
    """Read what either's `encode` wrote; raises PartUnreadable."""
    try:
        found = bson.decode(data[: _size(data)])
        if found["version"] != VERSION:
            raise PartUnreadable(f"of format {found['version']}, not {VERSION}")
        if "invited" in found:
            return Invitation(found["lane"], found["invited"])
        return PartMessage.of(found, data)
    except (bson.errors.BSONError, LookupError, ValueError, TypeError) as error:
        raise PartUnreadable(f"no part: {error!r}") from error


def _named(spans: Sequence[Span], last: Checkpoint) -> tuple[MappedTransaction, ...]:
    """Return the transactions by their identities alone."""
    return tuple(
        [
            MappedTransaction(f"{span.prefix}{number}", last, None)
            for span in spans
            for number in range(span.first, span.last + 1)
        ]
    )


def _by_collection(changes: Changes) -> dict[str, list[Operation]]:
    """Return the operations by collection, in order within each: a row may have changes of its own.

    A change costs as much as twenty operations.
    """
    found: dict[str, list[Operation]] = {}
    for name, operations in changes:
        found.setdefault(name, []).extend(operations)
    return found


def _packed(operations: Sequence[Operation]) -> Document:
    ids = [each.id for each in operations]
    return {
        "kinds": bytes([each.kind for each in operations]),
        "ids": b"".join(ids),
        "id_sizes": _sizes(ids),
        "document_sizes": _sizes([each.document for each in operations]),
    }


def _sizes(pieces: Sequence[bytes]) -> bytes:
    return _little_endian(array("I", map(len, pieces))).tobytes()


def _size(data: bytes) -> int:
    """Return the size of the BSON document at the beginning."""
    return int.from_bytes(data[:4], "little")


def _unpacked(packed: Sequence[Document], data: bytes) -> Iterator[tuple[str, list[Operation]]]:
    at = _size(data)
    for each in packed:
        ids, ids_end = _cut(each["ids"], 0, each["id_sizes"])
        documents, at = _cut(data, at, each["document_sizes"])
        if ids_end != len(each["ids"]):
            raise ValueError("its ids do not add up")
        yield (
            each["collection"],
            [
                Operation(_KINDS[kind], id_, document)
                for kind, id_, document in zip(each["kinds"], ids, documents, strict=True)
            ],
        )
    if at != len(data):
        raise ValueError("its documents do not add up")


def _cut(pieces: bytes, at: int, sizes: bytes) -> tuple[list[bytes], int]:
    """Return the pieces of these sizes, the first one at an offset, and the offset behind them."""
    found = array("I")
    found.frombytes(sizes)
    offsets = [*accumulate(_little_endian(found), initial=at)]
    return [pieces[begin:end] for begin, end in pairwise(offsets)], offsets[-1]


def _little_endian(numbers: array[int]) -> array[int]:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
