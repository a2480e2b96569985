"""The write commands of one batch, ready to send.

Commands are sent as they are, not through pymongo's bulk API. That inflates raw documents to
validate them, which costs more than the server's own work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import bson
from bson.raw_bson import RawBSONDocument

from cdc.model.batch import Batch
from cdc.model.operation import Operation, OperationKind
from cdc.writers.coalescing import coalesce, in_source_order
from cdc.writers.sharding import NOT_SHARDED, Paths, Sharding, filters_of
from cdc.writers.sync_timestamps import stamped

_COLLATION: Final = {"locale": "simple"}
_SIMPLE: Final = b"\x03collation\0" + bson.encode(_COLLATION)
"""Compares ids by their bytes, whatever collation the collection has."""
_UPDATE_BYTES: Final = len(b"size\x03q\0\x03u\0\x08upsert\0\x01\0") + len(_SIMPLE)
"""Of an upsert's statement, beside its filter and its document."""

MAX_COMMAND_BYTES: Final = 15_000_000
"""Below the 16 MB of a BSON document, which a command is."""

MAX_COMMAND_OPERATIONS: Final = 50_000
"""Below the server's maxWriteBatchSize of 100,000."""


@dataclass(frozen=True, slots=True)
class Command:
    """One insert, update or delete command and the operations that it carries, in its order.

    `shard` names, with `_id`, the documents. One that is not `ordered` has each of them once.
    """

    collection: str
    kind: OperationKind
    operations: Sequence[Operation]
    shard: Paths = field(default=(), kw_only=True)
    ordered: bool = field(default=True, kw_only=True)

    @property
    def is_shared(self) -> bool:
        """Whether a statement changes several documents: a refusal names none of them then."""
        return False

    def body(self, stamp: bytes = b"") -> dict[str, Any]:
        """Return the command's document; `stamp` is a BSON element to end each document with."""
        if self.kind == OperationKind.INSERT:
            documents = [RawBSONDocument(each) for each in self._documents(stamp)]
            return {"insert": self.collection, "documents": documents, "ordered": self.ordered}
        filters = self._filters()
        if self.kind == OperationKind.REPLACE:
            updates = [
                RawBSONDocument(_update(wanted, document))
                for wanted, document in zip(filters, self._documents(stamp), strict=True)
            ]
            return {"update": self.collection, "updates": updates, "ordered": self.ordered}
        deletes = [RawBSONDocument(_delete(wanted)) for wanted in filters]
        return {"delete": self.collection, "deletes": deletes, "ordered": self.ordered}

    def _filters(self) -> list[bytes]:
        return filters_of(self.operations, self.shard)

    def _documents(self, stamp: bytes) -> list[bytes]:
        documents = [operation.document for operation in self.operations]
        return [stamped(each, stamp) for each in documents] if stamp else documents


@dataclass(frozen=True, slots=True)
class Marking(Command):
    """An update command that sets `marks`, by dotted paths, in the documents of its operations."""

    marks: Mapping[str, Any]

    def body(self, stamp: bytes = b"") -> dict[str, Any]:
        """Return the command's document, as `Command.body`; a stamp stays in its place."""
        marks = RawBSONDocument(stamped(bson.encode(self.marks), stamp))
        return {
            "update": self.collection,
            "updates": [
                {
                    "q": RawBSONDocument(wanted),
                    "u": {"$set": marks},
                    "collation": _COLLATION,
                }
                for wanted in self._filters()
            ],
            "ordered": self.ordered,
        }


def _update(wanted: bytes, document: bytes) -> bytes:
    size = _UPDATE_BYTES + len(wanted) + len(document)  # a document is copied once
    return b"%b\x03q\0%b\x03u\0%b\x08upsert\0\x01%b\0" % (
        size.to_bytes(4, "little"),
        wanted,
        document,
        _SIMPLE,
    )


def _delete(wanted: bytes) -> bytes:
    return statement(b"\x03q\0%b\x10limit\0\x01\0\0\0" % wanted)


def statement(elements: bytes) -> bytes:
    """Return an update's or delete's statement of these elements, and its collation of ids."""
    size = 4 + len(elements) + len(_SIMPLE) + 1
    return b"%b%b%b\0" % (size.to_bytes(4, "little"), elements, _SIMPLE)


def coalesced(
    batch: Batch, *, insert_first: bool, sharding: Sharding = NOT_SHARDED
) -> list[Command]:
    """Return the commands that bring each key of the batch to its final state, deletes first.

    Behind mongos they are unordered: it asks the shards side by side then.
    """
    commands: list[Command] = []
    final = coalesce(batch, insert_first=insert_first, keys=sharding.keys)
    for collection, writes in final.items():
        shard, ordered = sharding.of_collection(collection), not sharding.is_sharded
        for kind, operations in (
            (OperationKind.DELETE, writes.deletes),
            (OperationKind.INSERT, writes.inserts),
            (OperationKind.REPLACE, writes.replaces),
        ):
            commands.extend(split(collection, kind, operations, shard=shard, ordered=ordered))
    return commands


def in_order(batch: Batch, sharding: Sharding = NOT_SHARDED) -> list[Command]:
    """Return the commands that repeat the batch in the source's order, inserts as replaces."""
    commands: list[Command] = []
    for collection, kind, operations in in_source_order(batch):
        write = OperationKind.REPLACE if kind == OperationKind.INSERT else kind
        shard = sharding.of_collection(collection)
        commands.extend(split(collection, write, operations, shard=shard))
    return commands


def split(
    collection: str,
    kind: OperationKind,
    operations: Sequence[Operation],
    *,
    shard: Paths = (),
    ordered: bool = True,
) -> Iterator[Command]:
    """Yield the operations in commands of what the server takes at once."""
    start = size = 0
    for at, operation in enumerate(operations):
        cost = len(operation.document) + len(operation.id) + 64
        if at > start and (size + cost > MAX_COMMAND_BYTES or at - start >= MAX_COMMAND_OPERATIONS):
            part = operations[start:at]
            yield Command(collection, kind, part, shard=shard, ordered=ordered)
            start, size = at, 0
        size += cost
    if start < len(operations):
        yield Command(collection, kind, operations[start:], shard=shard, ordered=ordered)
