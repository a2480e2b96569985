"""What a batch writes to each collection: the final state of each key, or all in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from cdc.model.batch import Batch
from cdc.model.document_id import comparable
from cdc.model.operation import Operation, OperationKind

_INSERT, _REPLACE, _DELETE = OperationKind.INSERT, OperationKind.REPLACE, OperationKind.DELETE


@dataclass(slots=True)
class Writes:
    """The writes to one collection: deletes first, then the writes; each key once.

    A key is an `_id` or, where a shard key has other fields too, a place.
    """

    deletes: list[Operation] = field(default_factory=list)
    inserts: list[Operation] = field(default_factory=list)
    replaces: list[Operation] = field(default_factory=list)


Keys = Callable[[list[Operation]], Sequence[object]]
"""Returns what compares operations: two are equal if they are of one key."""


def coalesce(
    batch: Batch, *, insert_first: bool, keys: Mapping[str, Keys] | None = None
) -> dict[str, Writes]:
    """Reduce a batch to the final state of each key, by collection.

    An insert stays an insert only if it is the key's first operation, and only with `insert_first`.
    Without it every write replaces, which is right whatever the target holds. `keys` are those of
    collections in which an `_id` is not all that names a document.
    """
    keys = keys or {}
    by_collection: dict[str, list[Operation]] = {}
    for collection, operations in batch.changes():
        by_collection.setdefault(collection, []).extend(operations)
    return {
        collection: _split(
            _final(operations, keys.get(collection, comparable_ids)), insert_first=insert_first
        )
        for collection, operations in by_collection.items()
    }


def _split(operations: Iterable[Operation], *, insert_first: bool) -> Writes:
    writes = Writes()
    kinds = {_INSERT: writes.inserts, _REPLACE: writes.replaces, _DELETE: writes.deletes}
    if not insert_first:
        kinds[_INSERT] = writes.replaces
    for operation in operations:
        kinds[operation.kind].append(operation)
    return writes


def _final(operations: list[Operation], keys_of: Keys) -> Iterator[Operation] | list[Operation]:
    """Return each key's last operation; it is an insert only if the key had none before it."""
    keys = keys_of(operations)
    final = dict(zip(keys, operations, strict=True))
    if len(final) == len(operations):
        return operations
    first = dict(zip(reversed(keys), reversed(operations), strict=True))
    return (
        _combined(first[key], last) if first[key] is not last else last
        for key, last in final.items()
    )


def _combined(first: Operation, last: Operation) -> Operation:
    if last.kind == _DELETE:
        return last
    kind = _INSERT if first.kind == _INSERT else _REPLACE
    return Operation(kind, last.id, last.document)


def comparable_ids(operations: list[Operation]) -> Sequence[object]:
    """Return comparable ids: two are equal if they are equal to MongoDB.

    Within one numeric type equal values have equal bytes, except for Decimal128's exponents and the
    double's two zeros. Across types, as after an ALTER of the key's type, 5 is 5.0.
    """
    types = {operation.id[0] for operation in operations}
    if len(types) == 1 and not types & {0x01, 0x13}:
        return [operation.id for operation in operations]
    return [comparable(operation.id) for operation in operations]


def in_source_order(batch: Batch) -> Iterator[tuple[str, OperationKind, list[Operation]]]:
    """Yield (collection, kind, operations) in the source's order; nothing is coalesced."""
    changes = (change for each in batch.transactions for change in each.changes)
    for collection, operations in changes:
        for kind, run in groupby(operations, key=lambda operation: operation.kind):
            yield collection, OperationKind(kind), list(run)
