"""The composition root: assembles one active stream, from the source to the target.

The stream's way is described in `cdc.pipeline`, that of tables read beside it in `cdc.chunks`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from cdc.batch_queue import BatchQueue, Limits
from cdc.chunks.applier import ChunkApplier
from cdc.chunks.engine import ChunkEngine
from cdc.chunks.order import JobOrder
from cdc.chunks.retention import JobRetention
from cdc.chunks.source_table import SourceTables
from cdc.chunks.stats import CopyCounters
from cdc.chunks.throttle import Throttle
from cdc.chunks.told_rows import MakeReads
from cdc.chunks.windows import Windows
from cdc.chunks.worker import JobWorker
from cdc.config import Config
from cdc.daemon.ddl_policy import DdlPolicy
from cdc.daemon.retry_until_reached import RetryUntilReached
from cdc.mapper import Mapper, Publishing
from cdc.mapping.compile.router import TableRouter
from cdc.mapping.counts import MappingCounts
from cdc.mapping.debezium.messages import Messages
from cdc.mapping.debezium.reads import table_reads
from cdc.mapping.file.embed_graph import EmbedGraph
from cdc.mapping.file.mapping import Mapping
from cdc.model.checkpoint import Checkpoint
from cdc.model.job import Job
from cdc.model.notice import Tell, tell_nobody
from cdc.model.telemetry import Backlog, ReaderStats
from cdc.pipeline import NoPublisher, Pipeline, Publisher, PublishingWriter
from cdc.preflight.followed_tables import logs_cascades, require_table_fit, table_exists
from cdc.preflight.hosts import server_judge
from cdc.publishing.publisher import KafkaPublisher, PublishCounters
from cdc.readers.binlog import gtid_events
from cdc.readers.binlog.reader import BinlogReader
from cdc.readers.server.heartbeat_writer import HeartbeatWriter
from cdc.readers.server.position_check import Displaced
from cdc.retry import Liveness, Stopped
from cdc.writers.connection import Client
from cdc.writers.dead_letters.queries import letters_of
from cdc.writers.documents import Documents
from cdc.writers.embedding.expectation import Expectation
from cdc.writers.indexes import create_indexes
from cdc.writers.jobs import Jobs
from cdc.writers.namespaces import Namespaces
from cdc.writers.observer import UNOBSERVED, PublishStep, WriteObserver
from cdc.writers.sync_timestamps import SyncTimestamps
from cdc.writers.writer import RENEWALS_PER_LEASE, MongoWriter


@dataclass(frozen=True, slots=True)
class Counters:
    """Counts of a daemon, across the streams that it becomes active for.

    `schema_changed_at`: when the source committed the last schema change of a table, by its name.
    """

    copied: CopyCounters = field(default_factory=CopyCounters)
    mapped: MappingCounts = field(default_factory=MappingCounts)
    published: PublishCounters = field(default_factory=PublishCounters)
    schema_changed_at: dict[str, float] = field(default_factory=dict)


class ActiveStream:
    """One running stream: its reader, mapper, queue, writer and chunk engine."""

    def __init__(
        self,
        config: Config,
        mappings: tuple[Mapping, ...],
        client: Client,
        writer: MongoWriter,
        start: Checkpoint,
        *,
        retry: RetryUntilReached,
        liveness: Liveness,
        counters: Counters,
        lag_seconds: Callable[[], float | None],
        note_lag: Callable[[float], None] = lambda _: None,
        tell: Tell = tell_nobody,
        observer: WriteObserver = UNOBSERVED,
    ) -> None:
        """Assemble the stream; nothing is read or written before `run`.

        `lag_seconds` is the daemon's own measure; None before the first proof that it caught up.
        `note_lag` takes what it was when a batch landed, which nobody may have asked for just then.
        """
        self._config = config
        self._client = client
        self._writer = writer
        self._start: Final = start
        self._retry = retry
        self._counters = counters
        self._lag_seconds = lag_seconds
        self._note_lag = note_lag
        self._tell = tell
        self._liveness = liveness
        self._observer = observer
        apply = config.apply
        self._router = TableRouter(
            mappings, require_fit=self._require_table_fit, counts=counters.mapped
        )
        self._stamps = SyncTimestamps.of(mappings)
        self._namespaces = Namespaces.of(config, mappings)
        self._embeds = EmbedGraph(mappings)
        self._reader = BinlogReader(
            config.source,
            follows=self._router.follows,
            transaction_bytes=apply.transaction_bytes,
            stream=config.name,
            require_fit=server_judge(config, mappings),
            on_move=self._moved,
            ahead=writer.state.ahead,
            beyond=writer.state.done.last,
        )
        self._queue = BatchQueue(
            Limits(
                apply.lanes * apply.batch_rows,
                apply.lanes * apply.batch_bytes,
                apply.linger_ms / 1000,
            ),
            landed=lambda committed_at: self._note_lag(
                max(0.0, self._source_time() - committed_at)
            ),
        )
        mapper = Mapper(
            self._router.plans,
            self._ddl_policy().effect_of,
            transaction_bytes=apply.transaction_bytes,
            inflight=start.inflight,
            times_kept=gtid_events.times_kept,
            publishing=self._publishing(),
        )
        publisher = self._publisher()
        self._engine = ChunkEngine(
            start,
            PublishingWriter(publisher, writer),
            wake=self._queue.wake,
            make_worker=self._job_worker,
            may_open=lambda: not writer.is_ahead,
        )
        self._pipeline = Pipeline(
            self._reader,
            mapper,
            self._queue,
            writer,
            self._engine,
            publisher,
            liveness,
        )

    def run(self) -> None:
        """Replicate until stopped, fenced, or until an operator must decide."""
        with HeartbeatWriter(self._config.source, self._config.name):
            try:
                self._pipeline.run(self._start)
            except Displaced:
                with suppress(Stopped):
                    self._writer.confirm()  # another replica may be this stream's new owner
                raise

    def stop(self) -> None:
        """End `run` after the batch in flight; may be called from any thread."""
        self._pipeline.stop()

    def reading(self) -> ReaderStats:
        """Return the reader's progress; may be called from any thread."""
        return self._reader.stats()

    def backlog(self) -> Backlog:
        """Return what was read and is not applied yet; may be called from any thread."""
        return self._queue.backlog()

    # -- the parts

    def _ddl_policy(self) -> DdlPolicy:
        here, retry = self._answering, self._retry.run
        return DdlPolicy(
            self._config.name,
            self._router.concerned,
            require_fit=self._require_table_fit,
            table_exists=lambda schema, table: retry(lambda: table_exists(here(), schema, table)),
            logs_cascades=lambda: retry(lambda: logs_cascades(here())),
            tell=self._tell,
            changed_at=self._counters.schema_changed_at,
        )

    def _publishing(self) -> Publishing | None:
        """Return what tells other consumers of changes; None if nobody is told."""
        publish, router = self._config.publish, self._router
        if publish is None:
            return None
        messages = Messages(
            self._config.name,
            router.mappings,
            router.plans,
            decimals=publish.decimals,
            truncates=publish.truncates,
        )
        return Publishing(messages, only=publish.only)

    def _reads(self) -> MakeReads | None:
        """Return what tells other consumers of rows that are copied; None if nobody is told."""
        publish = self._config.publish
        if publish is None:
            return None
        name_of = gtid_events.name_of
        return partial(table_reads, self._config.name, publish.decimals, name_of)

    def _publisher(self) -> Publisher:
        config, writer, reached = self._config, self._writer, self._observer.reached
        if config.publish is None:
            return NoPublisher()
        return KafkaPublisher(
            config.publish.kafka,
            config.name,
            renew=writer.renew_lease,
            confirm=writer.confirm,
            liveness=self._liveness,
            counters=self._counters.published,
            wait_seconds=config.lease.ttl_seconds / RENEWALS_PER_LEASE,
            before_commit=partial(reached, PublishStep.BEFORE_COMMIT),
            after_commit=partial(reached, PublishStep.AFTER_COMMIT),
        )

    def _require_table_fit(self, schema: str, table: str) -> None:
        self._retry.run(lambda: require_table_fit(self._answering(), schema, table))

    def _answering(self) -> Config:
        """Return the configuration with a host that has executed what was read."""
        return self._config.model_copy(update={"source": self._reader.answering()})

    def _moved(self) -> None:
        """Make chunks void that were read on the server that the stream has left."""
        self._engine.void_windows()

    def _job_worker(self, windows: Windows, applier: ChunkApplier) -> JobWorker:
        """Make the chunk thread's worker on the windows and the applier, which the engine owns.

        The engine needs them in the main thread too, so it makes them and calls this with them.
        """
        config, chunks, client = self._config, self._config.chunks, self._client
        namespaces = self._namespaces
        throttle = Throttle(
            rows_per_second=chunks.rows_per_second,
            max_lag_seconds=chunks.max_lag_seconds,
            lag_seconds=self._lag,
        )
        jobs = Jobs.of(config, client)
        return JobWorker(
            jobs,
            order=JobOrder(self._router, self._embeds),
            open_table=SourceTables(
                config,
                self._router,
                throttle,
                source=lambda: self._reader.source,
                reads=self._reads(),
            ).open,
            documents=Documents(client, namespaces, self._stamps),
            windows=windows,
            applier=applier,
            throttle=throttle,
            chunk_rows=chunks.rows,
            letter_on=letters_of(config, client).open_on,
            embedded=Expectation(self._embeds, client, namespaces, self._stamps),
            before_copy=self._prepare_copy,
            tidy=JobRetention(jobs, keep_days=config.jobs.keep_days).tidy,
            counters=self._counters.copied,
            tell=self._tell,
        )

    def _prepare_copy(self, job: Job) -> None:
        if not self._config.only_publishes:
            mappings = self._router.mappings(*job.named)
            create_indexes(self._client, self._namespaces, mappings)

    def _lag(self) -> float:
        """Return the lag; before the first proof of being caught up, the age of what waits."""
        lag = self._lag_seconds()
        if lag is not None:
            return lag
        return self._queue.waited_seconds(self._source_time())

    def _source_time(self) -> float:
        return time.time() + (self._reader.stats().clock_offset_seconds or 0.0)
