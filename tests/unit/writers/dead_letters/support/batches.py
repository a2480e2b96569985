"""Batches of a few operations, by number."""

from __future__ import annotations

from typing import Any

import bson

from cdc.model.batch import MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.dead_letter import Failure, Origin, Reason
from cdc.model.operation import Operation, OperationKind
from cdc.model.position import FilePosition

Step = Operation | Failure


def identifier(key: Any) -> bytes:
    raw = bson.encode({"_id": key})
    return raw[4:5] + raw[9:-1]


def insert(key: Any, value: int = 0) -> Operation:
    return Operation(
        OperationKind.INSERT, identifier(key), bson.encode({"_id": key, "value": value})
    )


def replace(key: Any, value: int = 0) -> Operation:
    return insert(key, value)._replace(kind=OperationKind.REPLACE)


def delete(key: Any) -> Operation:
    return Operation(OperationKind.DELETE, identifier(key))


def failure(key: Any, operations_before: int = 0) -> Failure:
    id_ = b"" if key is None else identifier(key)
    document = bson.encode({"_id": key, "value": "failed"})
    return Failure(
        operations_before, "update", id_, document, Reason.VALUE, "it is no number", "value"
    )


def position(number: int) -> FilePosition:
    return FilePosition("b.000001", number)


def transaction(number: int, *events: list[Step], halts: bool = False) -> MappedTransaction:
    """Transaction `number`, of a rows event for each list; failures are where they stand."""
    changes, origins = [], []
    for ordinal, steps in enumerate(events, start=1):
        operations: list[Operation] = []
        failures: list[Failure] = []
        for step in steps:
            if isinstance(step, Failure):
                failures.append(step._replace(operations_before=len(operations)))
            else:
                operations.append(step)
        changes.append(("c", operations))
        origins.append(Origin("shop.things", halts, ordinal, tuple(failures)))
    return MappedTransaction(
        f"uuid:{number}",
        Checkpoint(position(number * 100)),
        float(number),
        tuple(changes),
        before=position(number * 100 - 100),
        origins=tuple(origins),
    )
