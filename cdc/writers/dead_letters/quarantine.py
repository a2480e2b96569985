"""Moves an operation that the target refuses from its batch to the batch's failures."""

from __future__ import annotations

from typing import Final, NamedTuple

from cdc.errors import WriteRefused
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.dead_letter import Failure, Origin, Reason
from cdc.model.document_id import comparable
from cdc.model.operation import Operation, OperationKind
from cdc.writers.errors import Refused

MAX_ERROR: Final = 1_000
"""The most characters of the server's words that are kept: some repeat the whole document."""

_REMEDY: Final = "change the collection's validator or index, then start again"
_OR_LETTER: Final = (
    "or write on_error: dead_letter, which sets such rows aside, and start again: a letter tells"
    " its id and the server's words"
)

_ACTIONS: Final = {
    OperationKind.INSERT: "insert",
    OperationKind.REPLACE: "update",
    OperationKind.DELETE: "delete",
}


class _Place(NamedTuple):
    """The place of an operation in a batch."""

    transaction: int
    change: int
    operation: int


def quarantine(batch: Batch, refused: Refused, *, in_order: bool) -> Batch:
    """Return the batch without the operation that the target refused.

    `in_order`: the batch was sent operation by operation. Otherwise the key's last state was sent;
    the state before it is now to be written. Raises WriteRefused if the mapping stops the stream,
    or if the document is not to blame.
    """
    place = _find(batch, refused, in_order=in_order)
    if place is None:
        raise _halted_beside(batch, refused)
    transaction = batch.transactions[place.transaction]
    reason = refused.reason
    if reason is None or transaction.origin(place.change).halts:
        raise _halted(transaction, place, refused)
    transactions = [*batch.transactions]
    transactions[place.transaction] = _without(transaction, place, refused, reason)
    return Batch(tuple(transactions))


def _find(batch: Batch, refused: Refused, *, in_order: bool) -> _Place | None:
    """Find the operation, or the last one on its key; None if it is derived from others."""
    key = comparable(refused.id)
    for at in reversed(range(len(batch.transactions))):
        changes = batch.transactions[at].changes
        for change in reversed(range(len(changes))):
            collection, operations = changes[change]
            if collection != refused.collection:
                continue
            for index in reversed(range(len(operations))):
                each = operations[index]
                if each is refused.operation or (not in_order and comparable(each.id) == key):
                    return _Place(at, change, index)
    return None


def _halted_beside(batch: Batch, refused: Refused) -> WriteRefused:
    return WriteRefused(
        f"the target refuses to write a document of {refused.collection} that embeds others:"
        f" {refused.why}",
        position=batch.checkpoint.position,
        remedy=_REMEDY,
    )


def _halted(transaction: MappedTransaction, place: _Place, refused: Refused) -> WriteRefused:
    of = f", of the transaction {transaction.identity}" if transaction.identity else ""
    can_be_letter = refused.reason is not None and not transaction.origin(place.change).is_history
    return WriteRefused(
        f"the target refuses to write a document of {refused.collection}{of}: {refused.why}",
        position=transaction.before or transaction.checkpoint.position,
        table=transaction.origin(place.change).table or None,
        remedy=f"{_REMEDY}; {_OR_LETTER}" if can_be_letter else _REMEDY,
    )


def _without(
    transaction: MappedTransaction, place: _Place, refused: Refused, reason: Reason
) -> MappedTransaction:
    collection, operations = transaction.changes[place.change]
    operation = operations[place.operation]
    rest = [*operations[: place.operation], *operations[place.operation + 1 :]]
    changes, origins = [*transaction.changes], [*transaction.origins]
    changes[place.change] = (collection, rest)
    failure = _failure(operation, place.operation, refused, reason)
    origins[place.change] = _told(origins[place.change], failure)
    return transaction._replace(changes=tuple(changes), origins=tuple(origins))


def _failure(
    operation: Operation, operations_before: int, refused: Refused, reason: Reason
) -> Failure:
    return Failure(
        operations_before,
        _ACTIONS[OperationKind(operation.kind)],
        operation.id,
        operation.document,
        reason,
        f"{refused.text[:MAX_ERROR]} (code {refused.code})",
    )


def _told(origin: Origin, failure: Failure) -> Origin:
    """Add a failure at its operation's place; those behind it have one operation less before them.

    A failure between the same two operations keeps its place before or behind it.
    """
    at = failure.operations_before
    before = [each for each in origin.failures if each.operations_before <= at]
    after = [
        each._replace(operations_before=each.operations_before - 1)
        for each in origin.failures
        if each.operations_before > at
    ]
    return origin._replace(failures=(*before, failure, *after))
