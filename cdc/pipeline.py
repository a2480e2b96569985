"""Read, map, write, checkpoint: the way of one row from the binlog into MongoDB.

    reading thread:  BinlogReader ──Delivery──▶ Mapper ──BatchEntry──▶ BatchQueue
    main thread:     BatchQueue ──Batch──▶ MongoWriter: documents + checkpoint, one transaction
    chunk thread:    whole tables, read beside the stream; the main thread applies them too

The threads overlap: while the target works on one batch, the next is read and mapped. State is kept
only in the target: whatever happens to this process, the checkpoint there says where to continue.
`docs/architecture.md` has the argument.

To follow one row, through packages of `cdc`:

1. `readers.binlog.reader.BinlogReader` feeds each event to a `TransactionAssembler`
   (`readers.binlog.transaction_assembler`), which returns a `model.transaction.Transaction` at each
   commit.
2. `mapper.Mapper` asks the table's plan (`mapping.compile.plan.Plan`), whose generated function
   copies the row's bytes into a BSON document; the native module does the same if it is installed.
   They travel as a `model.batch.MappedTransaction`.
3. `batch_queue.BatchQueue` collects it with its neighbours, in a `model.batch.Batch`.
4. `writers.writer.MongoWriter.apply` has `writers.commit.BatchCommitter` open a transaction, in
   which `writers.stream_state.StreamState.save_checkpoint` is the first write, and send the
   documents as commands (`writers.commands`). The row is durable once that has committed.

Many small transactions take these steps at once, as a run: with the native module,
`readers.binlog.read_ahead` reads what the assembler would, as one `TransactionRun`, which is mapped
to one `MappedRun`. A run is its transactions, and gives them (`transactions()`) to who needs each.

`daemon.stream.ActiveStream` puts these together, with `chunks.engine.ChunkEngine` for whole tables.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Final, Protocol

import structlog

from cdc.batch_queue import EMPTY, BatchQueue, Closed
from cdc.mapper import Mapper
from cdc.model.batch import Batch
from cdc.model.checkpoint import Checkpoint
from cdc.model.transaction import Delivery
from cdc.retry import Liveness, Stopped

log = structlog.get_logger(__name__)

TURN_SECONDS: Final = 1.0
"""How often an idle pipeline wakes, to renew its lease."""

READER_ENDS_WITHIN_SECONDS: Final = 5
"""The limit for a reader that is busy connecting; its thread dies with the process."""


class Pipeline:
    """One running stream, from its checkpoint on."""

    def __init__(
        self,
        reader: Reader,
        mapper: Mapper,
        queue: BatchQueue,
        writer: Writer,
        between_batches: BetweenBatches,
        publisher: Publisher,
        liveness: Liveness | None = None,
    ) -> None:
        """`liveness` ticks at each turn."""
        self._liveness = liveness or Liveness()
        self._reader = reader
        self._mapper = mapper
        self._queue = queue
        self._writer = writer
        self._between_batches = between_batches
        self._publisher = publisher
        self._published_first = PublishingWriter(publisher, writer)
        self._failed: BaseException | None = None
        self._ended = False

    def run(self, start: Checkpoint) -> None:
        """Replicate until `stop`; raises errors that an operator must decide.

        A batch in flight is finished; what was read after it is dropped, and read again later.
        """
        self._publisher.open()
        reading = threading.Thread(target=self._read, args=(start,), name="reader", daemon=True)
        reading.start()
        self._between_batches.start()
        try:
            while (batch := self._queue.take(TURN_SECONDS)) is not None:
                self._liveness.tick()
                if batch is not EMPTY:
                    self._apply(batch)
                self._between_batches.apply_due()
                if self._writer.pay():
                    self._queue.wake()  # more may be owed: do not wait for a batch
                self._writer.renew_lease()
        except Stopped:
            if self._failed is None:
                raise
            raise self._failed from None  # transactions read before the error will be read again
        finally:
            self._ended = True
            self._stop_sources()
            self._publisher.close()
            reading.join(READER_ENDS_WITHIN_SECONDS)

    def _apply(self, batch: Batch) -> None:
        self._published_first.apply(batch)
        self._between_batches.note(batch)
        log.debug(
            "batch_applied",
            operations=batch.operations,
            position=str(batch.checkpoint.position),
        )

    def stop(self) -> None:
        """End `run` after the batch in flight; may be called from any thread.

        If the target cannot be reached, the batch in flight is dropped, and read again later.
        """
        self._writer.stop()
        self._publisher.stop()
        self._stop_sources()

    def _stop_sources(self) -> None:
        self._reader.stop()
        self._between_batches.stop()
        self._queue.close()

    def _read(self, start: Checkpoint) -> None:
        try:
            for transaction in self._reader.transactions(start):
                for mapped in self._mapper.map(transaction):
                    self._queue.put(mapped)
                    del mapped  # both may be large, and the next ones are read and mapped now
                del transaction
        except Closed:
            return
        except BaseException as error:  # noqa: BLE001 - the main thread raises it
            if self._ended:  # the writer may serve another run by now
                return
            self._failed = error
            self._queue.fail(error)
            self._writer.stop_waiting()  # raise the error now, even if the target is away
            self._publisher.stop()


class PublishingWriter:
    """Applies batches, and what is read of whole tables, once they are published."""

    def __init__(self, publisher: Publisher, writer: Writer) -> None:
        self._publisher = publisher
        self._writer = writer

    def apply(self, batch: Batch) -> None:
        """Publish a batch's messages, then apply it and its checkpoint."""
        self._publisher.publish(batch)
        self._writer.apply(batch)

    def settle(self) -> None:
        """Wait until a majority has all that was applied."""
        self._writer.settle()


class Reader(Protocol):
    """Delivers a source's transactions, for ever: `cdc.readers.binlog.reader.BinlogReader`."""

    def transactions(self, start: Checkpoint) -> Iterator[Delivery]:
        """Yield each transaction after `start` once, in order."""
        ...

    def stop(self) -> None:
        """End `transactions`."""
        ...


class Writer(Protocol):
    """Applies batches to the target: `cdc.writers.writer.MongoWriter`."""

    def apply(self, batch: Batch) -> None:
        """Apply a batch and its checkpoint."""
        ...

    def pay(self) -> bool:
        """Derive some documents whose embedded ones have changed; return whether any was."""
        ...

    def settle(self) -> None:
        """Wait until a majority has all that was applied."""
        ...

    def renew_lease(self) -> None:
        """Renew the lease if it is time."""
        ...

    def stop_waiting(self) -> None:
        """Stop waiting for the target, also later in `apply` and `renew_lease`."""
        ...

    def stop(self) -> None:
        """End any wait for the target."""
        ...


class Publisher(Protocol):
    """Publishes changes for other consumers: `cdc.publishing.publisher.KafkaPublisher`."""

    def open(self) -> None:
        """Fence former daemons of the stream; wait for the broker."""
        ...

    def publish(self, batch: Batch) -> None:
        """Return once the batch's messages are in the topics."""
        ...

    def stop(self) -> None:
        """End any wait; may be called from any thread."""
        ...

    def close(self) -> None:
        """Abort what is open."""
        ...


class NoPublisher:
    """Publishes nothing."""

    def open(self) -> None:
        """Do nothing."""

    def publish(self, batch: Batch) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class BetweenBatches(Protocol):
    """Changes the target between the stream's batches: `cdc.chunks.engine.ChunkEngine`.

    It applies what was read of whole tables.
    """

    def start(self) -> None:
        """Start."""
        ...

    def note(self, batch: Batch) -> None:
        """Note a batch that was applied."""
        ...

    def apply_due(self) -> None:
        """Apply what is due to the target."""
        ...

    def stop(self) -> None:
        """Stop; may be called from any thread."""
        ...
