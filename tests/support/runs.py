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
        tuple(_rows(_numbered(transactions))),
        Span.of(first.identity, last.identity),
        [Span.of(each.identity).first for each in transactions],
        lambda: iter(transactions),
        lambda number: transactions[number].checkpoint,
    )


def _numbered(transactions: Iterable[Transaction]) -> Iterator[tuple[int, RowsEvent]]:
    """Yield each event, and the number of its transaction."""
    for number, transaction in enumerate(transactions):
        for each in events(transaction):
            yield number, each


def _rows(found: Iterable[tuple[int, RowsEvent]]) -> Iterator[RunRows]:
    for _, some in groupby(found, key=lambda each: each[1][:4]):
        numbers, joined = zip(*some, strict=True)
        images, ends = b"", []
        for each in joined:
            images += each.images
            ends.append(len(images))
        yield RunRows(joined[0]._replace(images=images, ordinal=0), ends, numbers)


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
    identities = [Span.of(each.identity) for each in transactions]
    assert all(map(run.span.contains, identities))
    assert [*run.identities] == [each.first for each in identities]
    middle = len(transactions) // 2  # each costs as much as reading up to it
    for number in {0, middle}:
        assert run.checkpoint_behind(number) == transactions[number].checkpoint
    expected = [(at, each._replace(ordinal=0)) for at, each in _numbered(transactions)]
    assert [*_parts(run)] == expected


def _parts(run: TransactionRun) -> Iterator[tuple[int, RowsEvent]]:
    """Yield the events that a run's rows were joined of, each with its transaction's number."""
    for event, ends, numbers in run.rows:
        for number, begin, end in zip(numbers, [0, *ends[:-1]], ends, strict=True):
            yield number, event._replace(images=event.images[begin:end])


def events(transaction: Transaction) -> list[RowsEvent]:
    """The rows events of a transaction that has no other changes."""
    assert all(isinstance(each, RowsEvent) for each in transaction.changes)
    return [each for each in transaction.changes if isinstance(each, RowsEvent)]
