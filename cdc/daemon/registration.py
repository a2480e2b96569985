"""Registers a stream in its state, before the daemon streams: its start, and what is its own.

The first position is saved before anything is read. Once its collections are claimed, only the
stream writes them. Its mappings are recorded as those that make the documents. A copy of each
uncovered table is queued.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import structlog

from cdc.config import Config
from cdc.daemon.claims import StreamClaims
from cdc.daemon.coverage import Copy, copies, queue_backfills, uncovered
from cdc.daemon.held_tables import HeldTables
from cdc.daemon.retry_until_reached import RetryUntilReached
from cdc.errors import Claimed, Retryable
from cdc.mapping.compile.router import TableRouter
from cdc.mapping.file.mapping import Mapping
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.checkpoint import STREAMS, Checkpoint
from cdc.model.first_copy import HeldCopy
from cdc.model.job import Job, JobKind
from cdc.model.state_change import StateWrite
from cdc.preflight import edit_findings, require
from cdc.preflight.followed_tables import existing_now
from cdc.preflight.hosts import server_judge
from cdc.preflight.mapping_edits import unresolved
from cdc.readers.binlog.accepted_host import HostChooser, require_movable
from cdc.readers.binlog.start_position import QUERY_SECONDS, resolve_start, with_witness
from cdc.readers.select.watermarks import visible_now
from cdc.readers.server import xa
from cdc.readers.server.connection import asking
from cdc.writers.accepted_mappings import entries
from cdc.writers.connection import Client
from cdc.writers.jobs import Jobs, queue_write
from cdc.writers.ranges import Ranges, tails
from cdc.writers.writer import MongoWriter

log = structlog.get_logger(__name__)


class StreamRegistration:
    """Saves a stream's position, claims, mappings and copies in its state."""

    def __init__(
        self,
        config: Config,
        mappings: tuple[Mapping, ...],
        client: Client,
        writer: MongoWriter,
        retry: RetryUntilReached,
        *,
        accept_edits: bool,
    ) -> None:
        """With `accept_edits` documents that an edited mapping made before are kept."""
        self._config = config
        self._mappings = mappings
        self._router = TableRouter(mappings)
        self._client = client
        self._writer = writer
        self._retry = retry
        self._accept_edits = accept_edits
        self._jobs = Jobs.of(config, client)
        self._ranges = Ranges.of(config, client)
        self._hosts = HostChooser(config.source, server_judge(config, mappings))
        self._is_new = False

    def save_first_checkpoint(self) -> Checkpoint:
        """Save a new stream's first checkpoint, take it over, and return the checkpoint."""
        config = self._config
        first = self._retry.run(lambda: resolve_start(self._hosts.fit(), config.start))
        require_movable(config.source, first.position)
        self._is_new = True
        log.info("first_start", stream=config.name, position=str(first.position))
        self._retry.run(lambda: self._create(first))
        taken = self._writer.take_over()
        assert taken is not None  # it was saved just now, under this lease
        return taken

    def _create(self, first: Checkpoint) -> None:
        """Save the first position and claim the collections, in one transaction."""
        claims, wanted = self._claims(), self._copies(first)
        covered = [] if self._config.start == "backfill" else [str(each) for each in wanted]
        accepted = entries(self._mappings, datetime.now(UTC))
        with _claimed_meanwhile():
            left = claims.left(wanted, anew=True)
            held = self._held(first, wanted)
            writes = [
                *claims.writes(),
                *(tails(self._config.name, held) if held else ()),
                *self._reads(first),
            ]
            self._writer.create(first, accepted, covered, left, writes, held)

    @property
    def _tells_rows(self) -> bool:
        """Whether the rows that are there at a first start are told, and are no documents."""
        return self._config.only_publishes and self._config.start == "backfill"

    def _reads(self, first: Checkpoint) -> list[StateWrite]:
        """Return the writes that queue a copy of each table whose rows are told alone."""
        if not self._tells_rows:
            return []
        name = self._config.name
        existing = existing_now(self._answering(first), self._mappings)
        return [
            queue_write(Job.request(name, JobKind.BACKFILL, table, by="start"))
            for table in existing
        ]

    def _has_reads(self) -> bool:
        """Return whether one of these has not ended."""
        if not self._tells_rows:
            return False
        return any(each.requested_by == "start" for each in self._jobs.unended())

    def _held(self, first: Checkpoint, wanted: Sequence[Copy]) -> HeldCopy | None:
        """Return what workers copy before the stream begins; None if there is nothing for them."""
        config = self._config
        if config.start != "backfill" or config.chunks.workers == 1:
            return None
        why = ""
        if config.apply.mode != "exactly_once":
            why = f"apply.mode is {config.apply.mode}"
        elif config.publish is not None:
            why = "what is copied is published, by the stream alone"
        if why:
            log.info("copied_by_the_stream", stream=config.name, tables=len(wanted), why=why)
            return None
        tables = HeldTables.of(config, self._mappings, self._client)
        copies, refused = tables.judged(wanted)
        for table, why in refused.items():
            log.info("copied_by_the_stream", stream=config.name, table=table, why=why)
        if not copies:
            return None
        self._ranges.prepare()
        with asking(self._hosts.answering(first), read_timeout=QUERY_SECONDS) as connection:
            seen = visible_now(connection)
        pairs = tuple((each.table, each.target) for each in copies)
        into = config.target.database
        return HeldCopy(uuid4().hex, first.position, first.server, seen, pairs, into)

    def ensure_witness(self, checkpoint: Checkpoint) -> Checkpoint:
        """Return the checkpoint with a witness, which streams of old versions have not.

        For these the source's log is accepted as it is.
        """
        if checkpoint.witness is not None:
            return checkpoint
        taken = self._retry.run(
            lambda: with_witness(self._answering(checkpoint).source, checkpoint)
        )
        log.info("history_trusted", stream=self._config.name, log=str(taken.witness))
        self._writer.apply(Batch((MappedTransaction("", taken, None),)))
        return taken

    def register(self, checkpoint: Checkpoint) -> None:
        """Claim the collections, and queue a backfill of every table that is not covered yet.

        From here on the mappings make the documents. Raises Unfit if another stream writes one of
        the collections.
        """
        self._retry.run(lambda: self._register(checkpoint))

    def _register(self, checkpoint: Checkpoint) -> None:
        self._ranges.remove()  # a daemon that died as its stream began has left some
        state = self._writer.read_state() or {}
        name, covered = self._config.name, state.get("covered", [])
        claims, wanted = self._claims(), self._copies(checkpoint)
        if self._has_reads() or any(str(each) not in covered for each in wanted):
            self._wait_for_prepared(checkpoint)
        router = TableRouter(()) if self._config.only_publishes else self._router
        writes = [
            *queue_backfills(name, wanted, covered, {*state.get("left", ()), *claims.left(wanted)}),
            *uncovered(name, covered, router),
            *self._accept(state),
            *claims.writes(),
        ]
        if writes:
            change = MappedTransaction("", checkpoint, None, writes=tuple(writes))
            with _claimed_meanwhile():
                self._writer.apply(Batch((change,)))
        self._writer.forget_debts()

    def _answering(self, checkpoint: Checkpoint) -> Config:
        """Return the configuration with a host of the source that has seen all of a checkpoint."""
        return self._config.model_copy(update={"source": self._hosts.answering(checkpoint)})

    def _wait_for_prepared(self, checkpoint: Checkpoint) -> None:
        """Wait for XA transactions that were passed over while no mapping followed the table."""
        source = self._answering(checkpoint).source
        with asking(source, read_timeout=QUERY_SECONDS) as connection:
            xa.wait_until_decided(connection, is_logged=self._is_new)

    def _claims(self) -> StreamClaims:
        return StreamClaims(self._config, self._mappings, self._client)

    def _copies(self, checkpoint: Checkpoint) -> list[Copy]:
        """Return every copy of a table; one created later is streamed from its first row.

        Where no documents are written there are none.
        """
        if self._config.only_publishes:
            return []
        existing = existing_now(self._answering(checkpoint), self._mappings)
        return copies(existing, self._router)

    def _accept(self, state: dict[str, Any]) -> list[StateWrite]:
        """Accept the current mappings; raises UsageError for one edited since the preflight."""
        known = self._jobs.unended()
        edits = unresolved(state, self._mappings, known)
        require(edit_findings(edits, accept=self._accept_edits))
        accepted = entries(self._mappings, datetime.now(UTC), state)
        if accepted == state.get("mappings"):
            return []
        log.info(
            "mappings_accepted",
            mappings=[f"{each.source} {each.target}" for each in self._mappings],
        )
        return [self._state_write({"$set": {"mappings": accepted}})]

    def _state_write(self, change: dict[str, Any]) -> StateWrite:
        return StateWrite(STREAMS, {"_id": self._config.name}, change)


@contextmanager
def _claimed_meanwhile() -> Iterator[None]:
    """Turn a lost race for a claim into a retry: the next look says whose the collection is."""
    try:
        yield
    except Claimed as error:
        raise Retryable(error.message) from error
