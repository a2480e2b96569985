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
from math import isfinite
from typing import Any, Final, NamedTuple, Self, TypeVar

import bson
from bson import ObjectId, Timestamp

from cdc.errors import CdcError
from cdc.model.batch import Batch, MappedRun, MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.done import Span, spans_of, spans_to_document
from cdc.model.operation import Operation, OperationKind
from cdc.writers.clock import Clock
from cdc.writers.lane_documents import LanePart
from cdc.writers.sharding import Paths, Sharding
from cdc.writers.strategy import WriteStrategy
from cdc.writers.sync_timestamps import SyncTimestamps

VERSION: Final = 1
"""Of the format; an applier drops a part of another one."""

_KINDS: Final = tuple(OperationKind)

T = TypeVar("T")

Document = dict[str, Any]
Changes = Sequence[tuple[str, Sequence[Operation]]]


class PartUnreadable(CdcError):
    """What arrived is no part that this version can read."""


class Invitation(NamedTuple):
    """Asks for somebody who attends a lane."""

    lane: ObjectId
    stream: str

    def encode(self) -> bytes:
        """Return its bytes."""
        return bson.encode({"version": VERSION, "invited": self.stream, "lane": self.lane})


@dataclass(frozen=True, slots=True)
class PartMessage:
    """All that an applier needs to write a part; what it writes to, it knows by its lane.

    `hidden` and `stamps` are the hidden collections of the stream, and its fields for the time of
    writing, by collection; those of `changes` travel.
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
    hidden: frozenset[str]
    stamps: Mapping[str, str]
    sharding: Sharding
    changes: Changes

    def encode(self) -> bytes:
        """Return its bytes."""
        changes = _by_collection(self.changes)
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
                "hidden": sorted(names & self.hidden),
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
        """Return what the document of `encode` says, which is at the beginning of `data`.

        Raises PartUnreadable, ValueError or LookupError for what is of another type: it would end
        who writes it.
        """
        return cls(
            found["lane"],
            _of_type(int, found["round"]),
            LanePart(
                _spans(found["done"]),
                _of_type(int, found["place"]),
                Checkpoint.from_document(_of_type(dict, found["last"])),
            ),
            _of_type(int, found["completed"]),
            _time(found["committed_at"]),
            WriteStrategy(found["strategy"]),
            _clock(found),
            frozenset(_of_type(str, each) for each in found["hidden"]),
            {_of_type(str, name): _of_type(str, each) for name, each in found["stamps"]},
            Sharding(
                {_of_type(str, name): _paths(each) for name, each in found["shard"]},
                is_sharded=_of_type(bool, found["sharded"]),
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
            last.position,
            lambda: last,
            at,
            at,
            tuple(self.changes),
            0,
            (),
            spans,
            lambda: _named(spans, last),
        )
        return Batch((run,), is_filled=True)


def decode(data: bytes) -> PartMessage | Invitation:
    """Read what either's `encode` wrote; raises PartUnreadable for whatever else was sent.

    It would be received again, by each applier that comes behind one that it has ended.
    """
    try:
        found = bson.decode(data[: _size(data)])
        if found["version"] != VERSION:
            raise PartUnreadable(f"of format {found['version']}, not {VERSION}")
        if not isinstance(found["lane"], ObjectId):
            raise PartUnreadable("no part: its lane has no id")
        if "invited" in found:
            return Invitation(found["lane"], found["invited"])
        return PartMessage.of(found, data)
    except PartUnreadable:
        raise
    except Exception as error:  # anything may have been sent
        raise PartUnreadable(f"no part: {type(error).__name__}") from error


def _of_type(kind: type[T], found: Any) -> T:
    """Return a value of a type; raises PartUnreadable for another."""
    if not isinstance(found, kind):
        raise PartUnreadable(f"no part: a {kind.__name__} was to stand where a value of it is not")
    return found


def _time(found: Any) -> float | None:
    if found is not None and not isfinite(_of_type(float, found)):
        raise PartUnreadable("no part: its time is none")
    return None if found is None else float(found)


def _spans(found: Any) -> tuple[Span, ...]:
    """Read the identities of a part's transactions, of which there is at least one."""
    spans = spans_of(found)
    if not spans or any(each.size < 1 for each in spans):
        raise PartUnreadable("no part: it names no transaction")
    return spans


def _clock(found: Document) -> Clock:
    cluster, operation = found["cluster_time"], found["operation_time"]
    if cluster is not None:
        _of_type(Timestamp, _of_type(dict, cluster)["clusterTime"])
    return Clock(cluster, None if operation is None else _of_type(Timestamp, operation))


def _paths(found: Any) -> Paths:
    return tuple([tuple([_of_type(str, each) for each in path]) for path in found])


def _named(spans: Sequence[Span], last: Checkpoint) -> tuple[MappedTransaction, ...]:
    """Return the transactions by their identities alone.

    Of a file's transactions also by the offsets between them, at which none begins: a span of
    neighbours does not say where each does.
    """
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
            raise PartUnreadable("no part: its ids do not add up")
        yield (
            _of_type(str, each["collection"]),
            [
                Operation(_KINDS[kind], id_, document)
                for kind, id_, document in zip(each["kinds"], ids, documents, strict=True)
            ],
        )
    if at != len(data):
        raise PartUnreadable("no part: its documents do not add up")


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
