"""The daemon's roles: standby while another one is active, active until stopped or fenced."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import structlog

from cdc.config import Config
from cdc.daemon.copy_workers import CopyWorkers
from cdc.daemon.displacements import Displacements
from cdc.daemon.first_copy import FirstCopy
from cdc.daemon.held_tables import HeldTables
from cdc.daemon.registration import StreamRegistration
from cdc.daemon.retry_until_reached import RetryUntilReached
from cdc.daemon.stream import ActiveStream, Counters
from cdc.errors import Fenced, LeaseHeld, RolledBack, StaleConnection
from cdc.mapping.compile.router import TableRouter
from cdc.mapping.file.embed_graph import EmbedGraph
from cdc.mapping.file.mapping import Mapping
from cdc.model.checkpoint import Checkpoint
from cdc.model.first_copy import HeldCopy
from cdc.model.notice import Notices, Tell, tell_nobody
from cdc.model.telemetry import Backlog, CopyStats, ReaderStats, Role, Telemetry, WriterStats
from cdc.preflight.hosts import server_judge
from cdc.preflight.run import require_fit
from cdc.publishing.client import APPLY, require_client
from cdc.publishing.parts import PartProducer
from cdc.readers.server.position_check import Displaced
from cdc.retry import Liveness, Stopped
from cdc.writers.connection import Client, connect_target
from cdc.writers.dead_letters.ledger import Limits as LetterLimits
from cdc.writers.facts import require_appliers_fit
from cdc.writers.indexes import create_indexes
from cdc.writers.namespaces import Namespaces
from cdc.writers.observer import UNOBSERVED, WriteObserver
from cdc.writers.ranges import Ranges
from cdc.writers.rounds import BatchSize
from cdc.writers.shard_collections import ready_cluster
from cdc.writers.sharding import Sharding
from cdc.writers.sync_timestamps import SyncTimestamps
from cdc.writers.writer import MongoWriter

log = structlog.get_logger(__name__)

STANDBY_SECONDS: Final = 1.0
"""The interval at which a standby checks the active daemon."""


class Daemon:
    """One stream's daemon: `run` lasts until a signal, or until an operator must decide."""

    def __init__(
        self,
        config: Config,
        mappings: tuple[Mapping, ...],
        observer: WriteObserver = UNOBSERVED,
        *,
        accept_edits: bool = False,
        notices: Notices | None = None,
        note_lag: Callable[[float], None] = lambda _: None,
        worker_command: Sequence[str] = (),
        by_appliers: bool = False,
    ) -> None:
        """With `accept_edits` documents that an edited mapping made before are kept.

        `notices` are told of what somebody should know. `note_lag` takes the lag of each batch as
        it lands. `worker_command` runs a worker of a first copy, see CopyWorkers. With
        `by_appliers` other processes write the parts of rounds.
        """
        self._config = config
        self._mappings = mappings
        self._observer = observer
        self._accept_edits = accept_edits
        self._notices = notices
        self._note_lag = note_lag
        self._worker_command = worker_command
        self._by_appliers = by_appliers
        self._tell: Tell = tell_nobody if notices is None else notices.tell
        self._stopping = threading.Event()
        self._liveness = Liveness()
        self._retry = RetryUntilReached(self._liveness, self._stopping)
        self._counters = Counters()
        self._displacements = Displacements()
        self._writer: MongoWriter | None = None
        self._stream: ActiveStream | None = None
        self._role, self._role_since = Role.STARTING, time.monotonic()

    def run(self) -> None:
        """Replicate from the checkpoint on, or from `start` if there is none yet.

        While another daemon of this name is active it stands by, also once another has taken over.
        It waits for an unreachable side. Returns when it was stopped; raises UsageError or Unfit if
        the two sides are not fit for replication, and Halted if a change cannot be carried over.
        """
        try:
            self._retry.run(self._require_fit)
            self._retry.run(self._ready_target)
            while not self._stopping.is_set():
                self._serve_connected()
        except Stopped:
            pass
        log.info("stopped", stream=self._config.name)

    def stop(self) -> None:
        """End `run` after the batch in flight; may be called from any thread."""
        self._stopping.set()
        if self._writer is not None:
            self._writer.stop()
        if self._stream is not None:
            self._stream.stop()

    def telemetry(self) -> Telemetry:
        """Return this daemon's telemetry; may be called from any thread."""
        counters = self._counters
        return replace(
            self._progress(),
            copying=CopyStats(counters.copied.rows, counters.copied.ratios),
            losses=counters.mapped.losses(),
            slow_rows=counters.mapped.slow_rows(),
            unchanged_rows=counters.mapped.unchanged_rows(),
            schema_changed_at=dict(counters.schema_changed_at),
            notices=None if self._notices is None else self._notices.stats(),
            publishing=counters.published.stats() if self._config.publish else None,
            beats=self._config.source.heartbeat_table is not None,
        )

    def lag_seconds(self) -> float | None:
        """Return the lag; None if it is unknown or another daemon is active. From any thread."""
        return self._progress().lag_seconds

    def _progress(self) -> Telemetry:
        """Return what the lag is made of, without sums over all tables: each chunk asks for it.

        The backlog is read first: what leaves it meanwhile is applied by then.
        """
        stream, writer = self._stream, self._writer
        backlog = stream.backlog() if stream else Backlog()
        return Telemetry(
            at=time.time(),
            role=self._role,
            role_seconds=time.monotonic() - self._role_since,
            turned_seconds_ago=self._liveness.seconds_ago,
            heartbeat_seconds=self._config.source.heartbeat_seconds,
            reading=stream.reading() if stream else ReaderStats(),
            backlog=backlog,
            writing=writer.stats() if writer else WriterStats(),
        )

    # -- before it serves

    def _require_fit(self) -> None:
        require_fit(self._config, self._mappings, accept_edits=self._accept_edits)

    def _ready_target(self) -> None:
        """Shard collections and create indexes, as mappings say.

        A standby may do so too, and no lease expires meanwhile.
        """
        namespaces = Namespaces.of(self._config, self._mappings)
        with connect_target(self._config.target) as client:
            if self._by_appliers:
                require_appliers_fit(client)
            ready_cluster(client, namespaces, self._mappings)
            create_indexes(client, namespaces, self._mappings)

    @contextmanager
    def _connected(self) -> Iterator[tuple[Client, MongoWriter]]:
        config = self._config
        heartbeat, letters = config.source.heartbeat_seconds, config.dead_letters
        with connect_target(config.target, heartbeat_seconds=heartbeat) as client:
            self._writer = writer = MongoWriter(
                client,
                Namespaces.of(config, self._mappings),
                transactional=config.apply.mode == "exactly_once",
                lease_seconds=config.lease.ttl_seconds,
                liveness=self._liveness,
                observer=self._observer,
                letter_limits=LetterLimits(letters.max, letters.window_seconds),
                stamps=SyncTimestamps.of(self._mappings),
                embeds=EmbedGraph(self._mappings),
                sharding=Sharding.of(self._mappings),
                lag_seconds=self.lag_seconds,
                tell=self._tell,
                lanes=config.apply.lanes,
                batch_size=BatchSize(config.apply.batch_rows, config.apply.batch_bytes),
                transport=self._transport(),
            )
            ended_by: Exception | None = None
            try:
                yield client, writer
            except Stopped:
                raise
            except Exception as error:
                ended_by = error
                raise
            finally:
                writer.close(ended_by)

    def _transport(self) -> PartProducer | None:
        """Return what carries parts to appliers; None if threads of this process write them."""
        apply = self._config.apply
        if not self._by_appliers or apply.kafka is None:
            return None
        require_client(APPLY)
        return PartProducer(apply.kafka, self._config.name, apply.lanes)

    def _serve_connected(self) -> None:
        """Serve with one client of the target, until stopped or until it must be opened anew."""
        with self._connected() as (client, writer):
            while not self._stopping.is_set():
                try:
                    self._serve(client, writer)
                except StaleConnection as error:
                    log.warning("target_opened_anew", error=error.message)
                    break
        self._stopping.wait(STANDBY_SECONDS)

    # -- its roles

    def _serve(self, client: Client, writer: MongoWriter) -> None:
        """Run once as the active daemon: from the takeover until stopped or fenced."""
        registration = StreamRegistration(
            self._config,
            self._mappings,
            client,
            writer,
            self._retry,
            accept_edits=self._accept_edits,
        )
        try:
            found = self._wait_for_takeover(writer, registration)
            if (held := writer.state.held_copy) is not None:
                found = self._copy_first(client, writer, found, held)
            checkpoint = registration.ensure_witness(found)
            registration.register(checkpoint)
            self._replicate(client, writer, checkpoint)
        except Fenced as error:
            log.warning("fenced", stream=self._config.name, by=error.message)
        except RolledBack as error:
            log.warning("rolled_back", stream=self._config.name, error=error.message)
        except Displaced as error:
            if not self._displacements.is_passing():
                raise
            log.warning("displaced", stream=self._config.name, by=error.message)

    def _wait_for_takeover(
        self, writer: MongoWriter, registration: StreamRegistration
    ) -> Checkpoint:
        """Wait until no other daemon of this name is active, and take over."""
        said = ""
        self._stream = None
        while True:
            self._liveness.tick()
            try:
                return writer.take_over() or registration.save_first_checkpoint()
            except LeaseHeld as error:
                self._become(Role.STANDBY)
                if error.message != said:
                    said = error.message
                    log.info("standby", stream=self._config.name, active=said)
            if self._stopping.wait(STANDBY_SECONDS):
                raise Stopped

    def _copy_first(
        self, client: Client, writer: MongoWriter, first: Checkpoint, held: HeldCopy
    ) -> Checkpoint:
        """Copy the tables of a held stream, by workers; return the checkpoint that it begins at."""
        config = self._config
        self._become(Role.COPYING)
        copy = FirstCopy(
            config,
            TableRouter(self._mappings),
            writer,
            Ranges.of(config, client),
            CopyWorkers(self._worker_command, config.chunks.workers),
            HeldTables.of(config, self._mappings, client),
            judge=server_judge(config, self._mappings),
            retry=self._retry,
            liveness=self._liveness,
            stopping=self._stopping,
            counters=self._counters.copied,
        )
        return copy.run(first, held)

    def _replicate(self, client: Client, writer: MongoWriter, checkpoint: Checkpoint) -> None:
        self._stream = stream = ActiveStream(
            self._config,
            self._mappings,
            client,
            writer,
            checkpoint,
            retry=self._retry,
            liveness=self._liveness,
            counters=self._counters,
            lag_seconds=self.lag_seconds,
            note_lag=self._note_lag,
            tell=self._tell,
            observer=self._observer,
        )
        if self._stopping.is_set():  # `stop` may have come before there was a stream
            return
        self._become(Role.ACTIVE)
        log.info("streaming", stream=self._config.name, position=str(checkpoint.position))
        stream.run()

    def _become(self, role: Role) -> None:
        if role is not self._role:
            self._role, self._role_since = role, time.monotonic()
