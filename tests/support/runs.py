"""Runs of transactions, made of single ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from cdc.model.done import Span
from cdc.model.transaction import Delivery, RowsEvent, RunRows, Transaction, TransactionRun


def run_of(transactions: Sequence[Transaction]) -> TransactionRun:
    """The run of some transactions of rows events alone."""
    first, last = transactions[0], transactions[-1]
    return TransactionRun(
        len(transactions),
        first.before,
        last.checkpoint,
        first.committed_at,
        last.committed_at,
        False,
        sum(len(each.images) for transaction in transactions for each in events(transaction)),
        tuple(_rows(each for transaction in transactions for each in events(transaction))),
        Span.of(first.identity, last.identity),
        lambda: iter(transactions),
    )


def _rows(found: Iterable[RowsEvent]) -> Iterator[RunRows]:
    for _, some in groupby(found, key=lambda each: each[:4]):
        joined = [*some]
        images, ends = b"", []
        for each in joined:
            images += each.images
            ends.append(len(images))
        yield RunRows(joined[0]._replace(images=images, ordinal=0), ends)


def one_by_one(deliveries: Iterable[Delivery]) -> Iterator[Transaction]:
    """Yield the transactions that a reader delivers; a run is held against its own."""
    for delivery in deliveries:
        transactions = [*delivery.transactions()]
        if isinstance(delivery, TransactionRun):
            _assert_of(delivery, transactions)
        yield from transactions


def _assert_of(run: TransactionRun, transactions: Sequence[Transaction]) -> None:
    first, last = transactions[0], transactions[-1]
    assert len(transactions) == run.transaction_count > 1
    assert (run.before, run.checkpoint) == (first.before, last.checkpoint)
    assert (run.first_committed_at, run.committed_at) == (first.committed_at, last.committed_at)
    assert run.span == Span.of(first.identity, last.identity)
    assert all(run.span.contains(Span.of(each.identity)) for each in transactions)
    assert [*_parts(run)] == [
        each._replace(ordinal=0) for transaction in transactions for each in events(transaction)
    ]


def _parts(run: TransactionRun) -> Iterator[RowsEvent]:
    """Yield the events that a run's rows were joined of."""
    for event, ends in run.rows:
        for begin, end in zip([0, *ends], ends, strict=False):
            yield event._replace(images=event.images[begin:end])


def events(transaction: Transaction) -> list[RowsEvent]:
    """The rows events of a transaction that has no other changes."""
    assert all(isinstance(each, RowsEvent) for each in transaction.changes)
    return [each for each in transaction.changes if isinstance(each, RowsEvent)]
