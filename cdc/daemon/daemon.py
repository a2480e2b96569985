"""Puts one stream together from its configuration and keeps it running until a signal."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import structlog

from cdc.batch_queue import BatchQueue, Limits
from cdc.chunks.applier import ChunkApplier
from cdc.chunks.engine import ChunkEngine
from cdc.chunks.retention import JobRetention
from cdc.chunks.source_table import SourceTables
from cdc.chunks.stats import CopyCounters
from cdc.chunks.throttle import Throttle
from cdc.chunks.windows import Windows
from cdc.chunks.worker import JobWorker
from cdc.config import Config
from cdc.daemon.claims import StreamClaims
from cdc.daemon.coverage import Copy, copies, queue_backfills, uncovered
from cdc.daemon.ddl_policy import DdlPolicy
from cdc.errors import Claimed, Fenced, LeaseHeld, Retryable
from cdc.mapper import Mapper
from cdc.mapping.compile.router import TableRouter
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.loss_counts import LossCounts
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.state_change import StateWrite
from cdc.model.telemetry import Backlog, CopyStats, ReaderStats, Role, Telemetry, WriterStats
from cdc.pipeline import Pipeline
from cdc.preflight import edit_findings, require
from cdc.preflight.mapping_edits import unresolved
from cdc.preflight.run import followed_now, logs_cascades, require_fit, require_table_fit, stands
from cdc.readers.binlog.reader import BinlogReader
from cdc.readers.server.heartbeat_writer import HeartbeatWriter
from cdc.readers.server.resume import Displaced
from cdc.readers.server.start_position import resolve_start, witnessed
from cdc.retry import Liveness, Stopped, persist
from cdc.writers.accepted_mappings import entries
from cdc.writers.connection import Client, connect_target
from cdc.writers.dead_letters.ledger import Limits as LetterLimits
from cdc.writers.dead_letters.queries import letters_of
from cdc.writers.documents import Documents
from cdc.writers.fault_injection import Faults
from cdc.writers.indexes import create_indexes
from cdc.writers.jobs import Jobs
from cdc.writers.stream_state import STREAMS
from cdc.writers.sync_timestamps import SyncTimestamps
from cdc.writers.writer import MongoWriter

T = TypeVar("T")

log = structlog.get_logger(__name__)

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

STANDBY_SECONDS: Final = 1.0
"""How often a standby looks whether the active daemon still is."""


class Daemon:
    """One stream: `run` until a signal, or until a human must decide."""

    def __init__(
        self,
        config: Config,
        mappings: tuple[Mapping, ...],
        faults: Faults | None = None,
        on_idle: Callable[[], None] = lambda: None,
        *,
        accept_edits: bool = False,
    ) -> None:
        """`on_idle` is called whenever there is no job to do.

        With `accept_edits` documents are kept that were made by a mapping from before its edit.
        """
        self._accept_edits = accept_edits
        self._on_idle = on_idle
        self._client: Client | None = None
        self._config = config
        self._mappings = mappings
        self._stamps = SyncTimestamps.of(mappings)
        self._faults = faults or Faults()
        self._stopping = threading.Event()
        self._pipeline: Pipeline | None = None
        self._writer: MongoWriter | None = None
        self._reader: BinlogReader | None = None
        self._queue: BatchQueue | None = None
        self._liveness = Liveness()
        self._copied, self._losses = CopyCounters(), LossCounts()
        self._role, self._role_since = Role.STARTING, time.monotonic()

    def telemetry(self) -> Telemetry:
        """Return what this daemon knows of itself; may be called from any thread.

        The backlog is looked at before the rest: what has left it since is applied by then.
        """
        reader, queue, writer = self._reader, self._queue, self._writer
        backlog = queue.backlog() if queue else Backlog()
        return Telemetry(
            at=time.time(),
            role=self._role,
            role_seconds=time.monotonic() - self._role_since,
            turned_seconds_ago=self._liveness.seconds_ago,
            heartbeat_seconds=self._config.source.heartbeat_seconds,
            reading=reader.stats() if reader else ReaderStats(),
            backlog=backlog,
            writing=writer.stats() if writer else WriterStats(),
            copying=CopyStats(self._copied.rows, self._copied.ratios),
            losses=self._losses.totals(),
            beats=self._config.source.heartbeat_table is not None,
        )

    def _source_time(self) -> float:
        offset = self._reader.stats().clock_offset_seconds if self._reader else None
        return time.time() + (offset or 0.0)

    def _become(self, role: Role) -> None:
        if role is not self._role:
            self._role, self._role_since = role, time.monotonic()

    def stop(self) -> None:
        """End `run` behind the batch in flight; may be called from any thread."""
        self._stopping.set()
        if self._writer is not None:
            self._writer.stop()
        if self._pipeline is not None:
            self._pipeline.stop()

    def run(self) -> None:
        """Replicate from the checkpoint on, or from `start` where there is none yet.

        While another daemon of the name is active it stands by, and so it does again when one has
        taken over. An unreachable side is waited for. Returns when it was stopped; raises
        UsageError or Unfit where the two sides are not fit for replication.
        """
        try:
            self._once_reachable(self._require_fit)
            self._once_reachable(self._create_indexes)
            with self._connected_writer() as writer:
                while not self._stopping.is_set():
                    self._serve(writer)
        except Stopped:
            pass
        log.info("stopped", stream=self._config.name)

    def _require_fit(self) -> None:
        require_fit(self._config, self._mappings, accept_edits=self._accept_edits)

    def _create_indexes(self) -> None:
        """Build what mappings ask for; a standby may, too, and nobody's lease runs out by it."""
        if not any(mapping.indexes for mapping in self._mappings):
            return
        with connect_target(self._config.target) as client:
            create_indexes(client, self._config.target.database, self._mappings)

    def _serve(self, writer: MongoWriter) -> None:
        """Be the active daemon once: from the takeover until stopped or fenced."""
        try:
            self._serve_from(self._witnessed(writer, self._own(writer)), writer)
        except Fenced as error:
            log.warning("fenced", stream=self._config.name, by=error.message)

    def _serve_from(self, checkpoint: Checkpoint, writer: MongoWriter) -> None:
        self._once_reachable(lambda: self._enlist(writer, checkpoint))
        self._pipeline = self._assemble(writer, checkpoint)
        if self._stopping.is_set():
            return
        self._become(Role.ACTIVE)
        log.info("streaming", stream=self._config.name, position=str(checkpoint.position))
        with HeartbeatWriter(self._config.source, self._config.name):
            self._replicate(self._pipeline, checkpoint, writer)

    def _own(self, writer: MongoWriter) -> Checkpoint:
        """Wait until no other daemon of the name is active, and become it."""
        said = ""
        self._reader = self._queue = None
        while True:
            self._liveness.tick()
            try:
                return writer.take_over() or self._first_checkpoint(writer)
            except LeaseHeld as error:
                self._become(Role.STANDBY)
                if error.message != said:
                    said = error.message
                    log.info("standby", stream=self._config.name, active=said)
            if self._stopping.wait(STANDBY_SECONDS):
                raise Stopped

    def _witnessed(self, writer: MongoWriter, checkpoint: Checkpoint) -> Checkpoint:
        """Take the source's log as it is, for a stream begun before there were witnesses."""
        if checkpoint.witness is not None:
            return checkpoint
        taken = self._once_reachable(lambda: witnessed(self._config.source, checkpoint))
        log.info("history_trusted", stream=self._config.name, log=str(taken.witness))
        writer.apply(Batch((MappedTransaction("", taken, None),)))
        return taken

    @staticmethod
    def _replicate(pipeline: Pipeline, start: Checkpoint, writer: MongoWriter) -> None:
        try:
            pipeline.run(start)
        except Displaced:
            with suppress(Stopped):
                writer.confirm()  # the replica that displaced us may be this stream's new owner
            raise

    @contextmanager
    def _connected_writer(self) -> Iterator[MongoWriter]:
        config = self._config
        heartbeat, letters = config.source.heartbeat_seconds, config.dead_letters
        with connect_target(config.target, heartbeat_seconds=heartbeat) as client:
            self._client = client
            self._writer = writer = MongoWriter(
                client,
                database=config.target.database,
                state_database=config.target.state_database,
                stream=config.name,
                transactional=config.apply.mode == "exactly_once",
                lease_seconds=config.lease.ttl_seconds,
                liveness=self._liveness,
                faults=self._faults,
                letter_limits=LetterLimits(letters.max, letters.window_seconds),
                stamps=self._stamps,
            )
            try:
                yield writer
            finally:
                writer.close()

    def _first_checkpoint(self, writer: MongoWriter) -> Checkpoint:
        """Begin a new stream: its first position is saved before anything is read."""
        config = self._config
        first = self._once_reachable(lambda: resolve_start(config.source, config.start))
        log.info("first_start", stream=config.name, position=str(first.position))
        self._once_reachable(lambda: self._begin(writer, first))
        taken = writer.take_over()
        assert taken is not None
        return taken

    def _begin(self, writer: MongoWriter, first: Checkpoint) -> None:
        """Save the first position, and claim the collections, together."""
        owning, copies = self._owning(), self._copies()
        covered = [] if self._config.start == "backfill" else [str(each) for each in copies]
        left = StateWrite(
            STREAMS, {"_id": self._config.name}, {"$set": {"left": owning.left(copies)}}
        )
        accepted = entries(self._mappings, datetime.now(UTC))
        with _claimed_meanwhile():
            writer.create(first, accepted, covered, [left, *owning.writes()])

    def _owning(self) -> StreamClaims:
        assert self._client is not None
        return StreamClaims(self._config, self._mappings, self._client)

    def _once_reachable(self, ask: Callable[[], T]) -> T:
        def asked() -> T:
            self._liveness.tick()
            return ask()

        return persist(
            asked,
            event="start_retry",
            passing=lambda error: isinstance(error, Retryable),
            stopping=self._stopping,
        )

    def _judge_table(self, schema: str, table: str) -> None:
        self._once_reachable(lambda: require_table_fit(self._config, schema, table))

    def _stands(self, schema: str, table: str) -> bool:
        return self._once_reachable(lambda: stands(self._config, schema, table))

    def _copies(self) -> list[Copy]:
        tables = self._once_reachable(lambda: followed_now(self._config, self._mappings))
        return copies(tables, TableRouter(self._mappings))

    def _enlist(self, writer: MongoWriter, checkpoint: Checkpoint) -> None:
        """Claim the collections, and ask for a backfill of every table that is not covered yet.

        The mappings are those that documents are made by from here on. Raises Unfit where another
        stream writes one of the collections.
        """
        state = writer.read_state() or {}
        name, covered = self._config.name, state.get("covered", [])
        owning, copies = self._owning(), self._copies()
        writes = [
            *queue_backfills(name, copies, covered, {*state.get("left", ()), *owning.left(copies)}),
            *uncovered(name, covered, TableRouter(self._mappings)),
            *self._accepted(state),
            *owning.writes(),
        ]
        if writes:
            with _claimed_meanwhile():
                writer.apply(
                    Batch((MappedTransaction("", checkpoint, None, writes=tuple(writes)),))
                )

    def _accepted(self, state: dict[str, Any]) -> list[StateWrite]:
        """Accept today's mappings; raises UsageError for one edited since the start was judged."""
        if not self._accept_edits:
            assert self._client is not None
            jobs = Jobs(
                self._client,
                state_database=self._config.target.state_database,
                stream=self._config.name,
            )
            known = self._once_reachable(jobs.unended)
            require(edit_findings(unresolved(state, self._mappings, known), accept=False))
        accepted = entries(self._mappings, datetime.now(UTC), state)
        if accepted == state.get("mappings"):
            return []
        log.info(
            "mappings_accepted",
            mappings=[f"{each.source} {each.target}" for each in self._mappings],
        )
        change = {"$set": {"mappings": accepted}}
        return [StateWrite(STREAMS, {"_id": self._config.name}, change)]

    def _assemble(self, writer: MongoWriter, checkpoint: Checkpoint) -> Pipeline:
        apply = self._config.apply
        router = TableRouter(self._mappings, judge=self._judge_table, losses=self._losses)
        reader = BinlogReader(
            self._config.source,
            follows=router,
            transaction_bytes=apply.transaction_bytes,
            stream=self._config.name,
        )
        ddl_policy = DdlPolicy(
            self._config.name,
            router.concerned,
            judge=self._judge_table,
            stands=self._stands,
            logs_cascades=lambda: self._once_reachable(lambda: logs_cascades(self._config)),
        )
        mapper = Mapper(router.plans, ddl_policy.to, transaction_bytes=apply.transaction_bytes)
        limits = Limits(apply.batch_rows, apply.batch_bytes, apply.linger_ms / 1000)
        queue = BatchQueue(limits)
        self._reader, self._queue = reader, queue
        engine = ChunkEngine(
            checkpoint,
            writer,
            wake=queue.wake,
            make_worker=lambda windows, applier: self._chunk_worker(
                windows, applier, router, queue
            ),
        )
        return Pipeline(reader, mapper, queue, writer, engine, self._liveness)

    def _lag_seconds(self, queue: BatchQueue) -> float:
        """Return the lag; before there is a first proof of being caught up, what waits tells."""
        lag = self.telemetry().lag_seconds
        return queue.waited_seconds(self._source_time()) if lag is None else lag

    def _chunk_worker(
        self, windows: Windows, applier: ChunkApplier, router: TableRouter, queue: BatchQueue
    ) -> JobWorker:
        config, chunks = self._config, self._config.chunks
        assert self._client is not None
        throttle = Throttle(
            rows_per_second=chunks.rows_per_second,
            max_lag_seconds=chunks.max_lag_seconds,
            lag_seconds=lambda: self._lag_seconds(queue),
        )
        jobs = Jobs(self._client, state_database=config.target.state_database, stream=config.name)
        return JobWorker(
            jobs,
            open_table=SourceTables(config, router, throttle),
            documents=Documents(self._client, config.target.database, self._stamps),
            windows=windows,
            applier=applier,
            throttle=throttle,
            chunk_rows=chunks.rows,
            letter_on=letters_of(config, self._client).open_on,
            before_copy=lambda job: self._create_indexes_of(router.mappings(*job.named)),
            on_idle=self._on_idle,
            tidy=JobRetention(jobs, keep_days=config.jobs.keep_days),
            counters=self._copied,
        )

    def _create_indexes_of(self, mappings: tuple[Mapping, ...]) -> None:
        """Build the indexes again of a collection that somebody has dropped."""
        assert self._client is not None
        create_indexes(self._client, self._config.target.database, mappings)


@contextmanager
def _claimed_meanwhile() -> Iterator[None]:
    """Have another look taken where another stream was faster: it tells whose the collection is."""
    try:
        yield
    except Claimed as error:
        raise Retryable(error.message) from error


@contextmanager
def stopped_by_signals(daemon: Daemon) -> Iterator[None]:
    """Let SIGTERM and SIGINT stop the daemon, wherever its threads are blocked."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)

    def wait() -> None:
        number = signal.sigwait(STOP_SIGNALS)
        log.info("stopping", signal=signal.Signals(number).name)
        daemon.stop()

    threading.Thread(target=wait, name="signals", daemon=True).start()
    try:
        yield
    finally:
        for number in STOP_SIGNALS:  # a second one, still pending, must not kill what has drained
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
