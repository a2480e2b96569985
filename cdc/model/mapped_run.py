"""A run of transactions as operations: one entry of a batch, which can be taken apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import compress, pairwise
from typing import NamedTuple

from cdc.errors import CdcError
from cdc.model.batch import MappedRun, MappedTransaction, weight
from cdc.model.dead_letter import FailedRow, Failure, Origin, failures
from cdc.model.done import Span
from cdc.model.operation import Operation
from cdc.model.transaction import RowsEvent, RowsKind, Transaction, TransactionRun


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
    kept = _Apart(
        run._replace(rows=()),
        [(rows.event.table.name, rows.event.kind) for rows in run.rows],
        [rows.numbers for rows in run.rows],
        made,
    )
    changes = _changes(made)
    return MappedRun(
        run.transaction_count,
        run.before,
        lambda: run.checkpoint,
        run.first_committed_at,
        run.committed_at,
        changes,
        run.byte_size + _weight(changes),
        kept.changed_rows(made),
        (run.span,),
        kept.transactions,
        kept if kept.can_be_cut else None,
    )


class _Apart(NamedTuple):
    """A run whose images are gone: of each of its rows table and kind, and the events' numbers."""

    run: TransactionRun
    rows: Sequence[tuple[str, RowsKind]]
    events: Sequence[Sequence[int]]
    made: Made

    @property
    def can_be_cut(self) -> bool:
        """Whether the identities count up, so that those of neighbours are a span."""
        identities = self.run.identities
        return isinstance(identities, range) or all(one < two for one, two in pairwise(identities))

    def changed_rows(self, made: Made) -> tuple[tuple[str, RowsKind, int], ...]:
        """Return (table, kind, number of changed rows) of each rows that has a plan."""
        return tuple(
            [
                (*rows, len(plans[0].operations))
                for rows, plans in zip(self.rows, made, strict=True)
                if plans
            ]
        )

    def transactions(self) -> tuple[MappedTransaction, ...]:
        """Return its transactions."""
        shares = (
            [(plan, *plan.of(event)) for plan in plans]
            for numbers, plans in zip(self.events, self.made, strict=True)
            for event in range(len(numbers))
        )
        return tuple([_mapped(each, shares) for each in self.run.transactions()])

    def identities(self) -> Iterator[Span]:
        """Yield the identity of each transaction."""
        prefix = self.run.span.prefix
        return (Span(prefix, each, each) for each in self.run.identities)

    def numbers(self) -> Iterator[Sequence[int]]:
        """Yield for each change which transaction each operation is of."""
        for numbers, plans in zip(self.events, self.made, strict=True):
            for plan in plans:
                if plan.counts == [*range(1, len(numbers) + 1)]:
                    yield numbers
                    continue
                counts = pairwise([0, *plan.counts])
                yield [
                    number
                    for number, (begin, end) in zip(numbers, counts, strict=True)
                    for _ in range(begin, end)
                ]

    def only(self, numbers: Sequence[int]) -> MappedRun:
        """Return the run of some of its transactions, in order."""
        run, wanted, owners = self.run, frozenset(numbers), self.numbers()
        made = [
            [
                plan._replace(operations=[*compress(plan.operations, map(wanted.__contains__, of))])
                for plan, of in zip(plans, owners, strict=False)
            ]
            for plans in self.made
        ]
        changes = _changes(made)
        is_last = numbers[-1] == run.transaction_count - 1
        return MappedRun(
            len(numbers),
            run.before,
            cache(lambda: run.checkpoint if is_last else run.checkpoint_behind(numbers[-1])),
            run.first_committed_at,
            run.committed_at,
            changes,
            run.byte_size * len(numbers) // run.transaction_count + _weight(changes),
            self.changed_rows(made),
            tuple(self._spans(numbers)),
            lambda: tuple(
                [each for number, each in enumerate(self.transactions()) if number in wanted]
            ),
        )

    def _spans(self, numbers: Sequence[int]) -> Iterator[Span]:
        """Yield the identities of some transactions, those of neighbours as one span."""
        prefix, identities = self.run.span.prefix, self.run.identities
        first = numbers[0]
        for one, two in pairwise([*numbers, -1]):
            if two != one + 1:
                yield Span(prefix, identities[first], identities[one])
                first = two


def _changes(made: Made) -> tuple[tuple[str, Sequence[Operation]], ...]:
    return tuple([(each.collection, each.operations) for plans in made for each in plans])


def _weight(changes: Iterable[tuple[str, Sequence[Operation]]]) -> int:
    return sum([weight(operations) for _, operations in changes])


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
        _weight(changes),
        before=transaction.before,
        origins=tuple(origins),
    )
