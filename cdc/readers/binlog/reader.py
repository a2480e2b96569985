"""Streams a source's committed transactions, across reconnects."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import structlog

from cdc.errors import (
    CdcError,
    Corrupted,
    PositionPurged,
    Retryable,
    SourceDiverged,
    raised,
)
from cdc.model.checkpoint import Checkpoint
from cdc.model.position import Position
from cdc.model.telemetry import ReaderStats
from cdc.model.transaction import Delivery, Transaction
from cdc.readers.binlog import dump, events
from cdc.readers.binlog.accepted_host import QUERY_SECONDS, HostChooser, RequireFit
from cdc.readers.binlog.clock_watch import ClockWatch
from cdc.readers.binlog.events import Event, EventType
from cdc.readers.binlog.heartbeats import Heartbeats
from cdc.readers.binlog.history import proof
from cdc.readers.binlog.history.idle_proof import IdleProof
from cdc.readers.binlog.table_maps import TableMapCache
from cdc.readers.binlog.transaction_assembler import TransactionAssembler
from cdc.readers.server import position_check
from cdc.readers.server.catalog import folds_names
from cdc.readers.server.connection import (
    asking,
    close_connection,
    connect_source,
    decoder,
    is_mariadb,
)
from cdc.readers.server.packets import Garbled, PacketStream, ServerError
from cdc.readers.server.position_check import CannotSend
from cdc.readers.server.status import SourceStatus, clock_offset, fetch_on
from cdc.retry import Backoff, OutageTracker, let_go

if TYPE_CHECKING:
    from cdc.config import SourceConfig
    from cdc.readers.server.connection import SourceConnection

log = structlog.get_logger(__name__)

_HANDLED_BY_THE_READER: Final = frozenset({EventType.TRANSACTION_PAYLOAD, EventType.HEARTBEAT})
"""Events that the assembler ignores: the reader unpacks the first, and notes the second."""

SILENT_HEARTBEATS: Final = 3
"""A link that is silent for so many heartbeat intervals is dead."""

CLOCK_SECONDS: Final = 5.0
"""The limit of a query for the source's clock, for which the stream waits."""

GARBLED_TIMES: Final = 10
"""A source whose answers are unintelligible so often in a row will not recover by itself."""


class BinlogReader:
    """Reads the binlog from a position on, for ever, and reconnects as often as it takes."""

    def __init__(
        self,
        config: SourceConfig,
        *,
        follows: Callable[[str, str], bool],
        transaction_bytes: int,
        stream: str = "",
        require_fit: RequireFit | None = None,
        on_move: Callable[[], None] = lambda: None,
        ahead: Sequence[Position] = (),
        beyond: Checkpoint | None = None,
    ) -> None:
        """`follows(schema, table)` returns whether rows are wanted; ANY_TABLE asks for any.

        The source distinguishes this reader from other replicas by the name of the `stream`. Where
        it has several hosts, `require_fit` judges each. `on_move` is called when another server
        than before will be read, before any of its transactions. `ahead` and `beyond` as in
        HostChooser.
        """
        self._config = config
        judge = [require_fit] if require_fit else []
        self._hosts = HostChooser(config, *judge, ahead=ahead, beyond=beyond)
        self._on_move = on_move
        self._at: SourceConfig | None = None if len(config.addresses) > 1 else config
        self._stream_name = stream
        self._follows = follows
        self._transaction_bytes = transaction_bytes
        self._stopping = threading.Event()
        self._packets: PacketStream | None = None
        self._assembling: TransactionAssembler | None = None
        self._heartbeats = Heartbeats(config.heartbeat_seconds)
        self._clock = ClockWatch(self._clock_offset)
        self._checkpoint: Checkpoint
        self._damaged_at: Checkpoint | None = None
        self._idle_proof = IdleProof(config.heartbeat_seconds)
        self._outages = OutageTracker()
        self._lost = 0
        self._garbled = 0
        self._committed_at: float | None = None
        self.connected = False
        self.server = ""
        self._mariadb = False

    def stats(self) -> ReaderStats:
        """Return the reader's progress; may be called from any thread."""
        assembler = self._assembling
        file, offset = self._heartbeats.farthest(assembler.place if assembler else ("", 0))
        return ReaderStats(
            connected=self.connected,
            host=str(self._at.address) if self._at and self.server else "",
            server=self.server,
            file=file,
            offset=offset,
            caught_up_seconds_ago=self._heartbeats.caught_up_seconds_ago,
            clock_offset_seconds=self._clock.offset_seconds,
            reconnects=self._lost,
            committed_at=self._committed_at,
            outage=self._outages.outage,
        )

    def __repr__(self) -> str:
        state = "connected" if self.connected else "disconnected"
        return f"<BinlogReader {', '.join(map(str, self._config.addresses))} ({state})>"

    @property
    def source(self) -> SourceConfig:
        """The source with the host that is read, or was last; Retryable if there was none yet."""
        if self._at is None:
            raise Retryable("no host of the source is read yet")
        return self._at

    def answering(self) -> SourceConfig:
        """Return the source with a host that has executed what was read; of the reading thread."""
        return self._hosts.answering(self._checkpoint)

    def stop(self) -> None:
        """End `transactions`, also while it waits; may be called from any thread."""
        self._stopping.set()
        packets = self._packets  # the reading thread sets it to None when the link is lost
        if packets is not None:
            packets.interrupt()

    def transactions(self, start: Checkpoint) -> Iterator[Delivery]:
        """Yield each transaction after `start`, once and in the source's order, until `stop`.

        After a lost connection it continues after the last transaction that it yielded. Raises
        Fatal errors only; among them an event that is damaged, or cannot be sent, twice at the same
        place, and a source whose answers stay unintelligible.
        """
        self._checkpoint = checkpoint = start
        backoff = Backoff()
        while not self._stopping.is_set():
            try:
                for transaction in map(
                    self._with_commit_time, self._transactions_after(checkpoint)
                ):
                    self._checkpoint = checkpoint = transaction.checkpoint
                    self._committed_at = transaction.committed_at
                    backoff.reset()
                    yield transaction
                    del transaction  # it may be large, and the next one is read now
            except (Corrupted, CannotSend) as error:
                if self._damaged_at == checkpoint:
                    error.position = error.position or checkpoint.position
                    error.remedy = error.remedy or (
                        "check the source's disk and memory, with mysqlbinlog"
                        " --verify-binlog-checksum; what is damaged in its file is stepped over:"
                        " cdc position skip"
                    )
                    raise
                self._damaged_at = checkpoint
                log.warning("event_damaged", error=error.message, position=str(checkpoint.position))
            except Retryable as error:
                self._raise_if_garbled_too_often(error, checkpoint)
                if self._heartbeats.any_on_this_connection:
                    backoff.reset()
                self._wait(backoff.next(), error, checkpoint)

    def _with_commit_time(self, transaction: Delivery) -> Delivery:
        """Return the transaction with its commit time; MariaDB's events have the session's only."""
        if not isinstance(transaction, Transaction) or transaction.identity:
            self._clock.see(transaction.committed_at, by_server=not self._mariadb)
        if not self._mariadb:
            return transaction
        committed_at = self._clock.times.judged(transaction.committed_at)
        if isinstance(transaction, Transaction):
            return transaction._replace(committed_at=committed_at)
        return transaction._replace(first_committed_at=committed_at, committed_at=committed_at)

    def _raise_if_garbled_too_often(self, error: Retryable, checkpoint: Checkpoint) -> None:
        """Raise Corrupted if the source's answers were unintelligible too often."""
        self._garbled = self._garbled + 1 if isinstance(error, Garbled) else 0
        if self._garbled >= GARBLED_TIMES:
            raise Corrupted(
                error.message, position=checkpoint.position, remedy=error.remedy
            ) from error

    def _wait(self, seconds: float, error: Retryable, checkpoint: Checkpoint) -> None:
        if self._stopping.is_set():
            return
        let_go(error)
        self._lost += 1
        self._outages.failed(error.message)
        log.warning(
            "source_lost",
            error=error.message,
            position=str(checkpoint.position),
            retry_in_seconds=round(seconds, 1),
        )
        self._stopping.wait(seconds)

    def _transactions_after(self, checkpoint: Checkpoint) -> Iterator[Delivery]:
        with self._stream(checkpoint) as (packets, assembler, checksum):
            try:
                yield from self._assemble(packets, assembler, checksum, checkpoint.position)
            except (PositionPurged, SourceDiverged) as error:
                host = self.source.address
                raise self._hosts.pass_over(host, self._checkpoint.position, error) from error

    @contextmanager
    def _stream(
        self, checkpoint: Checkpoint
    ) -> Iterator[tuple[PacketStream, TransactionAssembler, bool]]:
        self._heartbeats.connected()
        silence = SILENT_HEARTBEATS * self._config.heartbeat_seconds
        connection, continued, _ = self._hosts.accepted(checkpoint)
        try:
            with connection.understood():
                self._move_to(connection.source, continued)
                assembler, checksum = self._begin_dump(connection, checkpoint, continued)
            self._packets = packets = PacketStream(connection, timeout_seconds=silence)
            if self._stopping.is_set():  # `stop` found no packets to interrupt
                packets.interrupt()
            self.connected = True
            self._outages.succeeded()
            log.info(
                "source_connected",
                host=str(connection.source.address),
                server=self.server,
                position=str(checkpoint.position),
            )
            yield packets, assembler, checksum
        finally:
            self.connected = False
            self._packets = None
            close_connection(connection)

    def _move_to(self, source: SourceConfig, continued: proof.Continued) -> None:
        """Note whose transactions come next: first where it is, then that it is another one."""
        before = (self._at, self.server)
        self._at, self.server = source, continued.server
        if before[1] and before != (self._at, self.server):
            self._heartbeats.moved()
            self._on_move()

    def _begin_dump(
        self, connection: SourceConnection, checkpoint: Checkpoint, continued: proof.Continued
    ) -> tuple[TransactionAssembler, bool]:
        """Request everything after the checkpoint, now that it is certain that the source has it.

        Return what assembles its transactions, and whether its events have checksums.
        """
        mariadb = self._mariadb = is_mariadb(connection)
        self._idle_proof.proved()
        if not continued.proved:
            log.info("history_not_proved", server=self.server, position=str(checkpoint.position))
        assembler = self._new_assembler(connection, checkpoint, mariadb=mariadb)
        checksum = dump.has_checksums(connection)
        self._note_source_status(fetch_on(connection), checkpoint)
        self._assembling = assembler
        dump.request(
            connection,
            checkpoint.position,
            server_id=self._config.server_id,
            heartbeat_seconds=self._config.heartbeat_seconds,
            mariadb=mariadb,
            stream=self._stream_name,
            strict=continued.strict,
        )
        return assembler, checksum

    def _note_source_status(self, seen: SourceStatus, checkpoint: Checkpoint) -> None:
        """Record the source's clock, and whether anything is still to be read.

        Without this an idle source would say so at its first heartbeat only.
        """
        self._clock.was_ahead_by(seen.clock_offset_seconds)
        if seen.is_all_in(checkpoint.position):
            self._heartbeats.caught_up()
            self._clock.times.read_all()

    def _clock_offset(self) -> float:
        with asking(self.source, read_timeout=CLOCK_SECONDS) as connection:
            return clock_offset(connection)

    def _another_connection(self) -> SourceConnection:
        return connect_source(self.source, read_timeout=QUERY_SECONDS)

    def _new_assembler(
        self, connection: SourceConnection, checkpoint: Checkpoint, *, mariadb: bool
    ) -> TransactionAssembler:
        inflight = checkpoint.inflight if checkpoint.server == self.server else None
        return TransactionAssembler(
            checkpoint._replace(inflight=inflight, server=self.server),
            tables=TableMapCache(self._follows, decoder(connection), mariadb),
            transaction_bytes=self._transaction_bytes,
            folds_names=folds_names(connection),
            ignored=self._config.ignore_statements_on,
        )

    def _assemble(
        self,
        packets: PacketStream,
        assembler: TransactionAssembler,
        checksum: bool,
        position: Position,
    ) -> Iterator[Delivery]:
        parse, feed = events.parse, assembler.feed
        try:
            for data in packets:
                if events.begins_file(data):
                    checksum = events.format_description(data).checksum
                    self._clock.times.file_begun(parse(data, checksum=checksum).timestamp)
                event = parse(data, checksum=checksum)
                del data  # what is large is kept no longer than it is needed: events have megabytes
                transaction = feed(event)
                if transaction is not None:
                    del event
                    yield transaction
                    del transaction
                    yield from assembler.read_ahead(packets, checksum=checksum)
                    continue
                if event.type in _HANDLED_BY_THE_READER:
                    if event.type == EventType.TRANSACTION_PAYLOAD:
                        yield from assembler.unpack(event)
                    else:
                        self._note_heartbeat(event, assembler)
                del event
        except ServerError as error:
            raise position_check.explain(error, position, mariadb=self._mariadb) from error
        except CdcError:
            raise
        except Exception as error:  # a damaged event makes its decoders raise almost anything
            raise Corrupted(f"an event cannot be read: {raised(error)}") from error

    def _note_heartbeat(self, heartbeat: Event, assembler: TransactionAssembler) -> None:
        """Take a heartbeat at the end of what was read as the sign that there is no more."""
        no_more, nothing_new = self._heartbeats.heard(heartbeat.end, assembler.place)
        if no_more:
            self._damaged_at = None  # nothing after it is left that could be damaged for good
        if nothing_new:
            self._clock.times.read_all()
        if no_more and self._idle_proof.is_due:
            self._idle_proof.prove(
                self._another_connection, self._checkpoint, here=self.server, mariadb=self._mariadb
            )
