"""Read, map, write, checkpoint: how one row gets from the binlog into MongoDB.

    reading thread:  BinlogReader ──Transaction──▶ Mapper ──MappedTransaction──▶ BatchQueue
    main thread:     BatchQueue ──Batch──▶ MongoWriter: documents + checkpoint, one transaction
    chunk thread:    whole tables, read beside the stream; the main thread applies them too

The threads overlap: while the target works on one batch, the next is read and mapped.
Nothing is remembered outside the target: whatever happens to this process, the checkpoint there
says where to read on. `docs/architecture.md` has the argument.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Final, Protocol

import structlog

from cdc.batch_queue import EMPTY, BatchQueue, Closed
from cdc.errors import CdcError, Halted, RecordError, RefusedEvent, Unmappable, UsageError
from cdc.model.batch import Batch, MappedTransaction, weight
from cdc.model.checkpoint import Checkpoint, Inflight
from cdc.model.dead_letter import FailedRow, Origin, failures
from cdc.model.operation import Operation
from cdc.model.state_change import DdlEffect
from cdc.model.table_map import TableMap
from cdc.model.transaction import RowsEvent, SchemaChange, Transaction
from cdc.retry import Liveness, Stopped

log = structlog.get_logger(__name__)

CACHED_PLANS: Final = 2_000

TURN_SECONDS: Final = 1.0
"""How often an idle pipeline turns: renews its lease if it is time."""

NO_EFFECT: Final = DdlEffect()

_new = tuple.__new__  # what a NamedTuple's own constructor ends in, at two thirds of its cost

READER_ENDS_WITHIN_SECONDS: Final = 5
"""How long to wait for a reader that is busy connecting; its thread dies with the process."""


class Reader(Protocol):
    """Delivers a source's transactions, for ever."""

    def transactions(self, start: Checkpoint) -> Iterator[Transaction]:
        """Yield each transaction after `start` once, in order."""
        ...

    def stop(self) -> None:
        """End `transactions`."""
        ...


class Writer(Protocol):
    """Applies batches to the target."""

    def apply(self, batch: Batch) -> None:
        """Apply a batch and its checkpoint."""
        ...

    def renew_lease(self) -> None:
        """Renew the lease if it is time."""
        ...

    def stop_waiting(self) -> None:
        """End any wait for the target, and wait for it no more in `apply` and `renew_lease`."""
        ...

    def stop(self) -> None:
        """End any wait for the target."""
        ...


class BetweenBatches(Protocol):
    """What moves the target between the stream's batches: backfill, resync, verify."""

    def start(self) -> None:
        """Begin."""
        ...

    def note(self, batch: Batch) -> None:
        """Learn of a batch that was applied."""
        ...

    def settle(self) -> None:
        """Do to the target what is due."""
        ...

    def stop(self) -> None:
        """End; may be called from any thread."""
        ...


class Plan(Protocol):
    """A mapping compiled against a table's columns."""

    @property
    def collection(self) -> str:
        """The target collection."""
        ...

    @property
    def halts(self) -> bool:
        """Whether a row that cannot be carried over is to stop the stream."""
        ...

    def operations(
        self,
        event: RowsEvent,
        committed_at: float,
        failed: Callable[[FailedRow], None] | None = None,
    ) -> list[Operation]:
        """Return what the event's rows ask for, in order; tell `failed` of those that cannot."""
        ...


class Mapper:
    """Turns transactions into operations, by plans compiled as their table maps first appear."""

    def __init__(
        self,
        plans_for: Callable[[TableMap], tuple[Plan, ...]],
        react: Callable[[SchemaChange, Transaction], DdlEffect],
        *,
        transaction_bytes: int,
    ) -> None:
        """Cut in parts a transaction whose operations weigh more than `transaction_bytes`.

        `react` tells what a schema change asks for.
        """
        self._plans_for = plans_for
        self._react = react
        self._transaction_bytes = transaction_bytes
        self._plans: dict[TableMap, tuple[Plan, ...]] = {}

    def map(self, transaction: Transaction) -> Iterator[MappedTransaction]:
        """Yield the transaction as operations, cut behind a rows event where it is too large."""
        changes: list[tuple[str, list[Operation]]] = []
        origins: list[Origin] = []
        effect, altered = NO_EFFECT, False
        size = 0
        last = len(transaction.changes) - 1
        for index, change in enumerate(transaction.changes):
            if isinstance(change, SchemaChange):
                effect, altered = self._react(change, transaction), True
                continue
            for collection, operations, origin in self._operations(change, transaction):
                changes.append((collection, operations))
                origins.append(origin)
                size += weight(operations)
            if size > self._transaction_bytes and index < last:
                yield self._part(transaction, change, tuple(changes), size)._replace(
                    clears=effect.clears,
                    writes=effect.writes,
                    changes_schema=altered,
                    origins=tuple(origins),
                )
                changes, origins, size, effect = [], [], 0, NO_EFFECT
        identity, before, checkpoint, committed_at, _ = transaction
        yield _new(
            MappedTransaction,
            (
                identity,
                checkpoint,
                committed_at,
                tuple(changes),
                size,
                effect.writes,
                effect.clears,
                altered,
                before,
                tuple(origins),
            ),
        )

    @staticmethod
    def _part(
        transaction: Transaction,
        last: RowsEvent,
        changes: tuple[tuple[str, list[Operation]], ...],
        size: int,
    ) -> MappedTransaction:
        inflight = Inflight(transaction.identity, last.ordinal)
        checkpoint = transaction.checkpoint._replace(position=transaction.before, inflight=inflight)
        return MappedTransaction(
            transaction.identity,
            checkpoint,
            transaction.committed_at,
            changes,
            size,
            before=transaction.before,
        )

    def _operations(
        self, event: RowsEvent, transaction: Transaction
    ) -> list[tuple[str, list[Operation], Origin]]:
        try:
            return [
                _mapped(plan, event, transaction.committed_at)
                for plan in self._plans_of(event.table)
            ]
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
            raise Unmappable(
                f"a table has come to differ from what its mapping says: {error.message}",
                position=transaction.before,
                table=event.table.name,
                remedy="edit the mapping (`optional: true` for a column that not every row has)"
                " and start again: cdc run --accept-mapping-change; it goes on from here; or leave"
                " the table out of the mappings, and step over the transaction: cdc position skip",
            ) from error
        except CdcError as error:
            error.position = error.position or transaction.before
            if isinstance(error, Halted):
                error.remedy = error.remedy or "step over the transaction: cdc position skip"
            raise

    def _plans_of(self, table: TableMap) -> tuple[Plan, ...]:
        plans = self._plans.get(table)
        if plans is None:
            if len(self._plans) >= CACHED_PLANS:
                self._plans.pop(next(iter(self._plans)))
            plans = self._plans[table] = self._plans_for(table)
        return plans


def _mapped(
    plan: Plan, event: RowsEvent, committed_at: float
) -> tuple[str, list[Operation], Origin]:
    halts = plan.halts
    rows: list[FailedRow] = []
    operations = plan.operations(event, committed_at, None if halts else rows.append)
    failed = failures(rows) if rows else ()
    origin = _new(Origin, (event.table.name, halts, event.ordinal, failed, event.kind))
    return plan.collection, operations, origin


class Pipeline:
    """One stream at work, from its checkpoint on."""

    def __init__(
        self,
        reader: Reader,
        mapper: Mapper,
        queue: BatchQueue,
        writer: Writer,
        between_batches: BetweenBatches,
        liveness: Liveness | None = None,
    ) -> None:
        """`liveness` ticks at each turn."""
        self._liveness = liveness or Liveness()
        self._reader = reader
        self._mapper = mapper
        self._queue = queue
        self._writer = writer
        self._between_batches = between_batches
        self._failed: BaseException | None = None

    def run(self, start: Checkpoint) -> None:
        """Replicate until `stop`; raises what a human must decide.

        A batch in flight is finished; what was read behind it is dropped, to be read again.
        """
        reading = threading.Thread(target=self._read, args=(start,), name="reader", daemon=True)
        reading.start()
        self._between_batches.start()
        try:
            while (batch := self._queue.take(TURN_SECONDS)) is not None:
                self._liveness.tick()
                if batch is not EMPTY:
                    self._apply(batch)
                self._between_batches.settle()
                self._writer.renew_lease()
        except Stopped:
            if self._failed is None:
                raise
            raise self._failed from None  # what was read before it is read again
        finally:
            self._end_reading()
            reading.join(READER_ENDS_WITHIN_SECONDS)

    def _apply(self, batch: Batch) -> None:
        self._writer.apply(batch)
        self._between_batches.note(batch)
        log.debug(
            "batch_applied",
            operations=batch.operations,
            position=str(batch.checkpoint.position),
        )

    def stop(self) -> None:
        """End `run` behind the batch in flight; may be called from any thread.

        Where the target cannot be reached the batch in flight is given up: it is read again.
        """
        self._writer.stop()
        self._end_reading()

    def _end_reading(self) -> None:
        self._reader.stop()
        self._between_batches.stop()
        self._queue.close()

    def _read(self, start: Checkpoint) -> None:
        try:
            for transaction in self._reader.transactions(start):
                for mapped in self._mapper.map(transaction):
                    self._queue.put(mapped)
        except Closed:
            return
        except BaseException as error:  # noqa: BLE001 - the main thread raises it
            self._failed = error
            self._queue.fail(error)
            self._writer.stop_waiting()  # it is told now, also where the target is away
