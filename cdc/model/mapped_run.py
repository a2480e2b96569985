"""A run of transactions as operations: one entry of a batch, which can be taken apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from cdc.errors import CdcError
from cdc.model.batch import MappedRun, MappedTransaction, weight
from cdc.model.dead_letter import FailedRow, Failure, Origin, failures
from cdc.model.operation import Operation
from cdc.model.transaction import RowsEvent, Transaction, TransactionRun


class MustBeApart(CdcError):
    """Rows of a run are to be mapped transaction by transaction."""


class RunOperations(NamedTuple):
    """The operations of one plan on rows of a run, `RunRows`.

    `counts`: how many there are up to the end of each event. `failed` are rows that cannot be
    mapped, each with the number of its event. `halts` as in `Origin`.
    """

    collection: str
    halts: bool
    operations: list[Operation]
    counts: list[int]
    failed: list[tuple[int, FailedRow]]

    def of(self, event: int) -> tuple[list[Operation], tuple[Failure, ...]]:
        """Return the operations and failures of an event, by its number."""
        begin = self.counts[event - 1] if event else 0
        rows = [
            replace(row, operations_before=row.operations_before - begin)
            for number, row in self.failed
            if number == event
        ]
        return self.operations[begin : self.counts[event]], failures(rows)


Made = Sequence[Sequence[RunOperations]]
"""For each rows of a run, what the plans of the table make of them."""


def mapped_run(run: TransactionRun, made: Made) -> MappedRun:
    """Return a run's entry."""
    changes = tuple([(each.collection, each.operations) for plans in made for each in plans])
    return MappedRun(
        run.transaction_count,
        run.checkpoint,
        run.first_committed_at,
        run.committed_at,
        changes,
        run.byte_size + sum([weight(operations) for _, operations in changes]),
        tuple(
            [
                (rows.event.table.name, rows.event.kind, len(plans[0].operations))
                for rows, plans in zip(run.rows, made, strict=True)
                if plans
            ]
        ),
        run.span,
        partial(_apart, run._replace(rows=()), [len(rows.ends) for rows in run.rows], made),
    )


def _apart(run: TransactionRun, events: Sequence[int], made: Made) -> tuple[MappedTransaction, ...]:
    """Return a run's transactions; `events` are how many each of its rows were, now gone."""
    shares = (
        [(plan, *plan.of(number)) for plan in plans]
        for count, plans in zip(events, made, strict=True)
        for number in range(count)
    )
    return tuple([_mapped(each, shares) for each in run.transactions()])


def _mapped(
    transaction: Transaction,
    shares: Iterator[Sequence[tuple[RunOperations, Sequence[Operation], tuple[Failure, ...]]]],
) -> MappedTransaction:
    """Return a transaction with its share of the operations: the next ones, for each rows event."""
    changes: list[tuple[str, Sequence[Operation]]] = []
    origins: list[Origin] = []
    for event in transaction.changes:
        assert isinstance(event, RowsEvent)  # a run has no others
        for plan, operations, failed in next(shares):
            changes.append((plan.collection, operations))
            table, ordinal, kind = event.table.name, event.ordinal, event.kind
            origins.append(Origin(table, plan.halts, ordinal, failed, kind))
    return MappedTransaction(
        transaction.identity,
        transaction.checkpoint,
        transaction.committed_at,
        tuple(changes),
        sum([weight(operations) for _, operations in changes]),
        before=transaction.before,
        origins=tuple(origins),
    )
