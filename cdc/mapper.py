"""Maps transactions to operations: each row by the plan of its table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol

from cdc.errors import CdcError, Halted, RecordError, RefusedEvent, Unmappable, UsageError
from cdc.mapping.counts import TableCounts
from cdc.mapping.file.problems import LinkError
from cdc.mapping.transcode.history_rows import Changed, HistoryRows, of_statement
from cdc.model.batch import BatchEntry, MappedTransaction, weight
from cdc.model.checkpoint import Checkpoint, Inflight
from cdc.model.dead_letter import FailedRow, Origin, failures
from cdc.model.mapped_run import RunOperations, mapped_run
from cdc.model.message import Message
from cdc.model.operation import Operation
from cdc.model.position import number
from cdc.model.state_change import DdlEffect
from cdc.model.table_map import TableMap
from cdc.model.transaction import (
    Delivery,
    RowsEvent,
    RunRows,
    SchemaChange,
    Transaction,
    TransactionRun,
)

CACHED_PLANS: Final = 2_000

NO_EFFECT: Final = DdlEffect()

_OF_STATEMENT: Final = Origin(is_history=True)

TimesKept = Callable[[bytes, float, int], tuple[float, float]]
"""Returns the times that a history keeps, by a GTID event and when the transaction ended, began."""


class Mapper:
    """Maps transactions to operations, by plans compiled as their table maps first appear."""

    def __init__(
        self,
        plans_for: Callable[[TableMap], tuple[Plan, ...]],
        effect_of: Callable[[SchemaChange, Transaction], DdlEffect],
        *,
        transaction_bytes: int,
        inflight: Inflight | None = None,
        times_kept: TimesKept = lambda _, committed_at, __: (committed_at, committed_at),
        publishing: Publishing | None = None,
    ) -> None:
        """Cut a transaction into parts if its operations weigh more than `transaction_bytes`.

        `plans_for` is `TableRouter.plans`; `effect_of` is `DdlPolicy.effect_of`. `inflight` is what
        the checkpoint to start from has; `times_kept` is `gtid_events.times_kept`. `publishing`
        is what other consumers are told by.
        """
        self._plans_for = plans_for
        self._effect_of = effect_of
        self._transaction_bytes = transaction_bytes
        self._plans: dict[TableMap, tuple[Plan, ...]] = {}
        self._times_kept = times_kept
        self._rows = inflight.rows if inflight else ()
        """The changed rows of the transaction so far, of each table whose history is kept."""
        self._publishing = publishing
        if publishing is not None:
            publishing.messages.resume(inflight)

    def map(self, read: Delivery) -> Iterator[BatchEntry]:
        """Yield what was read as operations.

        A transaction that is too large is cut after a rows event. A run is one entry, or its
        transactions are, if some row of it cannot be mapped, or holds the time of its commit.
        Raises RefusedEvent, Unmappable and other errors with the position of the transaction.
        """
        if isinstance(read, Transaction):
            yield from self._transaction(read)
        elif (entries := self._run(read)) is not None:
            yield from entries
        else:
            for transaction in read.transactions():
                yield from self._transaction(transaction)

    def _run(self, run: TransactionRun) -> Sequence[BatchEntry] | None:
        """Map a run; None if its transactions are to be mapped one by one.

        So is what raises an error: it is to name its own transaction, and come after those before.
        And what is too large, once it is mapped: a transaction may have to be cut.
        """
        planned = self._planned(run)
        if planned is None:
            return None
        counts = {id(plan.counts): plan.counts for _, plans in planned for plan in plans}
        noted = [(each, each.noted()) for each in counts.values()]
        try:
            made = [[plan.run_operations(rows) for plan in plans] for rows, plans in planned]
        except CdcError:
            made = None
        if made is not None:
            entry = mapped_run(run, made)
            if entry.byte_size <= self._transaction_bytes:
                failed = any(each.failed for plans in made for each in plans)
                return entry.transactions() if failed else (entry,)
        for each, before in noted:
            each.put_back(before)
        return None

    def _planned(self, run: TransactionRun) -> list[tuple[RunRows, tuple[Plan, ...]]] | None:
        """Return the plans of each rows of a run; None for what they cannot map at once."""
        if run.byte_size > self._transaction_bytes or self._publishing is not None:
            return None  # each message names its own transaction
        try:
            planned = [(rows, self._plans_of(rows.event.table)) for rows in run.rows]
        except CdcError:
            return None
        at_once = all(plan.maps_runs_of(rows.event) for rows, plans in planned for plan in plans)
        return planned if at_once else None

    def _transaction(self, transaction: Transaction) -> Iterator[MappedTransaction]:
        changes: list[tuple[str, list[Operation]]] = []
        origins: list[Origin] = []
        effect, altered = NO_EFFECT, False
        size = 0
        last = len(transaction.changes) - 1
        if self._rows and transaction.identity and not transaction.delivered:
            self._rows = ()
        messages: list[Message] = []
        if self._publishing is not None:
            self._publishing.messages.begin(transaction)
        for index, change in enumerate(transaction.changes):
            told = self._messages(change, transaction)
            messages += told
            size += sum([each.byte_size for each in told])
            if isinstance(change, SchemaChange):
                effect, altered = self._effect_of(change, transaction), True
                if self._only_publishes:
                    effect = NO_EFFECT
                    continue
                for collection, kept in self._statements_kept(effect, transaction):
                    changes.append((collection, [kept]))
                    origins.append(_OF_STATEMENT)
                    size += weight([kept])
                continue
            for collection, operations, origin in self._operations(change, transaction):
                changes.append((collection, operations))
                origins.append(origin)
                size += weight(operations)
            if size > self._transaction_bytes and index < last:
                so_far = self._checkpoint_within(transaction, change)
                yield _mapped(
                    transaction, so_far, changes, origins, size, effect, altered, messages
                )
                changes, origins, size, effect, messages = [], [], 0, NO_EFFECT, []
        whole = transaction.checkpoint
        if whole.inflight is not None:
            whole = whole._replace(inflight=self._counted(whole.inflight))
        elif self._publishing is not None:
            messages += self._publishing.messages.end(transaction)
        yield _mapped(transaction, whole, changes, origins, size, effect, altered, messages)

    @property
    def _only_publishes(self) -> bool:
        return self._publishing is not None and self._publishing.only

    def _messages(
        self, change: RowsEvent | SchemaChange, transaction: Transaction
    ) -> Sequence[Message]:
        """Return what is published of a change; raises as `_operations` does."""
        if self._publishing is None:
            return ()
        messages = self._publishing.messages
        if isinstance(change, SchemaChange):
            return [*messages.of_statement(change, transaction)]
        try:
            return messages.of_rows(change, transaction)
        except UsageError as error:
            raise _no_longer_fits(error, change, transaction) from error
        except CdcError as error:
            _place(error, transaction)
            raise

    def _counted(self, inflight: Inflight) -> Inflight:
        """Return what a checkpoint within the transaction remembers of it."""
        published = () if self._publishing is None else self._publishing.messages.told
        return inflight._replace(rows=self._rows or inflight.rows, published=published)

    def _operations(
        self, event: RowsEvent, transaction: Transaction
    ) -> list[tuple[str, list[Operation], Origin]]:
        if self._only_publishes:
            return []
        try:
            plans = self._plans_of(event.table)
            mapped = [_from_rows(plan, event, transaction.committed_at) for plan in plans]
            for plan in plans:
                if plan.history is not None:
                    mapped += self._history(plans, event, transaction)
                    break
            if self._rows:
                rows = self._rows
                return [(name, made, by._replace(rows=rows)) for name, made, by in mapped]
            return mapped
        except RecordError as error:
            raise RefusedEvent(
                error.message,
                position=transaction.before,
                table=error.table,
                remedy=error.remedy
                or "write on_error: dead_letter, which sets such rows aside, and start again; or"
                " change the row, and step over this change of it: cdc position skip",
            ) from error
        except UsageError as error:
            raise _no_longer_fits(error, event, transaction) from error
        except CdcError as error:
            _place(error, transaction)
            raise

    def _history(
        self, plans: Sequence[Plan], event: RowsEvent, transaction: Transaction
    ) -> Iterator[tuple[str, list[Operation], Origin]]:
        """Yield the history of an event's rows, and count them."""
        table, rows = event.table.name, dict(self._rows)
        changed, count = self._changed(transaction), 0
        origin = Origin(table, True, event.ordinal, (), event.kind, is_history=True)
        for plan in plans:
            if plan.history is not None:
                operations, count = plan.history.operations(event, changed, rows.get(table, 0))
                yield plan.history.collection, operations, origin
        rows[table] = rows.get(table, 0) + count
        self._rows = tuple(rows.items())

    def _statements_kept(
        self, effect: DdlEffect, transaction: Transaction
    ) -> Iterator[tuple[str, Operation]]:
        """Yield what histories keep of a statement."""
        for collection, table, action in effect.kept:
            yield collection, of_statement(action, self._changed(transaction), table)

    def _changed(self, transaction: Transaction) -> Changed:
        witness = transaction.checkpoint.witness
        event = witness.event if witness else b""
        logged_at = committed_at = transaction.committed_at
        if event:
            logged_at, committed_at = self._times_kept(event, committed_at, transaction.begun_at)
        before = number(transaction.before)
        return Changed(transaction.identity, logged_at, committed_at, before)

    def _checkpoint_within(self, transaction: Transaction, event: RowsEvent) -> Checkpoint:
        """Return the checkpoint after the transaction up to this event."""
        inflight = self._counted(Inflight(transaction.identity, event.ordinal))
        return transaction.checkpoint._replace(position=transaction.before, inflight=inflight)

    def _plans_of(self, table: TableMap) -> tuple[Plan, ...]:
        plans = self._plans.get(table)
        if plans is None:
            if len(self._plans) >= CACHED_PLANS:
                self._plans.pop(next(iter(self._plans)))
            plans = self._plans[table] = self._plans_for(table)
        return plans


def _no_longer_fits(error: UsageError, event: RowsEvent, transaction: Transaction) -> Unmappable:
    return Unmappable(
        f"a table has come to differ from what its mapping says: {error.message}",
        position=transaction.before,
        table=event.table.name,
        remedy=f"{_first(error)} and start again: cdc run --accept-mapping-change; it goes"
        " on from here; or leave the table out of the mappings, and step over the"
        " transaction: cdc position skip",
    )


def _place(error: CdcError, transaction: Transaction) -> None:
    """Set the position of an error's transaction, and how to step over it."""
    error.position = error.position or transaction.before
    if isinstance(error, Halted):
        error.remedy = error.remedy or "step over the transaction: cdc position skip"


def _first(error: UsageError) -> str:
    """Return what to do about a table that has come to differ."""
    if isinstance(error, LinkError):
        return "edit `embed` (its `on` needs a column for the one that is gone)"
    return "edit the mapping (`optional: true` for a column that not every row has)"


def _mapped(
    transaction: Transaction,
    checkpoint: Checkpoint,
    changes: list[tuple[str, list[Operation]]],
    origins: list[Origin],
    size: int,
    effect: DdlEffect,
    altered: bool,
    messages: list[Message],
) -> MappedTransaction:
    return MappedTransaction(  # by position: keywords take 1 µs more, of some 20 a transaction
        transaction.identity,
        checkpoint,
        transaction.committed_at,
        tuple(changes),
        size,
        effect.writes,
        effect.clears,
        altered,
        transaction.before,
        tuple(origins),
        tuple(messages),
    )


def _from_rows(
    plan: Plan, event: RowsEvent, committed_at: float
) -> tuple[str, list[Operation], Origin]:
    halts = plan.halts
    rows: list[FailedRow] = []
    operations = plan.operations(event, committed_at, None if halts else rows.append)
    failed = failures(rows) if rows else ()
    return (
        plan.collection,
        operations,
        Origin(event.table.name, halts, event.ordinal, failed, event.kind),
    )


class Publishing(NamedTuple):
    """What is published, and whether no documents are written beside it."""

    messages: Messages
    only: bool = False


class Messages(Protocol):
    """Tells changes as messages: `cdc.mapping.debezium.messages.Messages`."""

    def resume(self, inflight: Inflight | None) -> None:
        """Go on within a transaction of which an earlier part has been told."""
        ...

    def begin(self, transaction: Transaction) -> None:
        """Begin a transaction, or the next part of one."""
        ...

    def of_rows(self, event: RowsEvent, transaction: Transaction) -> list[Message]:
        """Return the messages of an event's rows."""
        ...

    def of_statement(self, change: SchemaChange, transaction: Transaction) -> Iterator[Message]:
        """Yield the messages of a statement."""
        ...

    def end(self, transaction: Transaction) -> list[Message]:
        """Return the messages that end a transaction."""
        ...

    @property
    def told(self) -> tuple[tuple[str, int], ...]:
        """What was told of the transaction so far, by table."""
        ...


class Plan(Protocol):
    """A mapping compiled against a table's columns: `cdc.mapping.compile.plan.Plan`."""

    @property
    def collection(self) -> str:
        """The target collection."""
        ...

    @property
    def counts(self) -> TableCounts:
        """What grows as rows are mapped."""
        ...

    @property
    def halts(self) -> bool:
        """Whether a row that cannot be mapped stops the stream."""
        ...

    @property
    def history(self) -> HistoryRows | None:
        """What keeps the changes of the rows, if the mapping asks for it."""
        ...

    def operations(
        self,
        event: RowsEvent,
        committed_at: float,
        failed: Callable[[FailedRow], None] | None = None,
    ) -> list[Operation]:
        """Return the operations of the event's rows, in order; pass failed rows to `failed`."""
        ...

    def maps_runs_of(self, event: RowsEvent) -> bool:
        """Return whether `run_operations` takes such rows."""
        ...

    def run_operations(self, rows: RunRows) -> RunOperations:
        """Return the operations of the rows of a run, in order."""
        ...
