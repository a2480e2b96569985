"""Applies batches: documents and checkpoint in one transaction, retried until it landed once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import pymongo
import structlog
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError, PyMongoError

from cdc.errors import CdcError
from cdc.mapping.file.embed_graph import NO_EMBEDS, EmbedGraph
from cdc.model.batch import Batch
from cdc.model.checkpoint import Checkpoint
from cdc.model.first_copy import HeldCopy
from cdc.model.notice import Tell, tell_nobody
from cdc.model.operation import Operation
from cdc.model.state_change import CollectionClear, StateWrite
from cdc.model.telemetry import WriterStats
from cdc.retry import Liveness, let_go
from cdc.writers.collection_clear import CollectionClearing
from cdc.writers.collections import Collections
from cdc.writers.commit import Attempt, BatchCommitter
from cdc.writers.concerns import MAJORITY, PRIMARY
from cdc.writers.dead_letters.ledger import (
    DEFAULT_LIMITS,
    NOTHING,
    LetterChanges,
    Limits,
    OpenLetters,
)
from cdc.writers.embedding.paying import Paying
from cdc.writers.embedding.terms import NOTHING_AT_ONCE, Terms
from cdc.writers.errors import Refused
from cdc.writers.facts import is_behind_mongos, user_of
from cdc.writers.hold import Hold
from cdc.writers.lane_threads import LaneThreads
from cdc.writers.lanes import Lanes, PartWriters
from cdc.writers.namespaces import Namespaces
from cdc.writers.observer import UNOBSERVED, WriteObserver
from cdc.writers.remote_lanes import RemoteLanes, Transport
from cdc.writers.round_writer import RoundWriter
from cdc.writers.rounds import UNLIMITED, BatchSize, pieces_of, without_done
from cdc.writers.sharding import NOT_SHARDED, Sharding
from cdc.writers.stats import WriterCounters
from cdc.writers.strategy import FAILURES, GiveUp, Send, SendHalves, WriteDecider
from cdc.writers.strays import is_about_a_place, judged
from cdc.writers.stream_state import TTL_SECONDS, AlreadyLanded, Document, StreamState
from cdc.writers.sync_timestamps import NO_STAMPS, SyncTimestamps
from cdc.writers.target_retry import TargetRetry
from cdc.writers.transaction import committed, committed_if_any

log = structlog.get_logger(__name__)

RELEASE_SECONDS: Final = 1.0
"""The limit of releasing the lease: it also expires by itself."""

RENEWALS_PER_LEASE: Final = 3

LETTERS_AGAIN_SECONDS: Final = 10.0
"""The interval of looks for letters that somebody has discarded."""


class MongoWriter:
    """The writer of one stream.

    A batch's way: `apply`; `_land`, as the decider says; `BatchCommitter.commit`, whose first write
    is `StreamState.save_checkpoint`.
    """

    def __init__(
        self,
        client: MongoClient[Document],
        namespaces: Namespaces,
        *,
        transactional: bool,
        lease_seconds: float = TTL_SECONDS,
        liveness: Liveness | None = None,
        letter_limits: Limits = DEFAULT_LIMITS,
        stamps: SyncTimestamps = NO_STAMPS,
        observer: WriteObserver = UNOBSERVED,
        embeds: EmbedGraph = NO_EMBEDS,
        sharding: Sharding = NOT_SHARDED,
        is_behind_mongos: Callable[[MongoClient[Document]], bool] = is_behind_mongos,
        lag_seconds: Callable[[], float | None] = lambda: None,
        tell: Tell = tell_nobody,
        range_state: StreamState | None = None,
        lanes: int = 1,
        batch_size: BatchSize = UNLIMITED,
        transport: Transport | None = None,
    ) -> None:
        """Write the stream of `namespaces`, to its collections and its state database.

        With `transactional` a batch and its checkpoint commit together, else in turn.

        `lease_seconds`: how long the stream stays this writer's without a renewal. `stamps`: the
        fields for the time of writing. `observer` observes each step. `sharding` says what names
        a document; whether the target is sharded is asked at each takeover, `is_behind_mongos`.
        With `lanes` above 1 full batches, as many times as large as `batch_size`, are written by so
        many threads at once; with a `transport` appliers get their parts by it instead.
        `lag_seconds` as in StreamState. `tell` takes the notices of dead letters. With
        `range_state` it writes one range of a held stream, and holds that alone.
        """
        documents = Collections(client, namespaces, write_concern=MAJORITY)
        states = client.get_database(namespaces.state_database, write_concern=MAJORITY)
        stream = namespaces.stream
        self.state = range_state or StreamState(
            states,
            stream,
            ttl_seconds=lease_seconds,
            lag_seconds=lag_seconds,
            observer=observer,
        )
        self._name = namespaces.database
        self._client = client
        self._transactional = transactional
        self._collections = documents
        self._sharding = sharding
        self._is_behind_mongos = is_behind_mongos
        self._session = client.start_session()
        self._counters = WriterCounters(tell)
        renew_after = lease_seconds / RENEWALS_PER_LEASE
        self._retry = TargetRetry(
            self._counters,
            liveness or Liveness(),
            cap_seconds=renew_after,
        )
        self._hold = Hold(
            self.state,
            self._retry,
            self._counters,
            renew_after_seconds=renew_after,
            renewals=PRIMARY if transactional else MAJORITY,
        )
        embedding = transactional and bool(embeds.edges)
        self._decider = WriteDecider(Terms() if embedding else NOTHING_AT_ONCE)
        self._letters = OpenLetters(states, stream, letter_limits)
        self._looked_at = 0.0
        self._committer = BatchCommitter(
            documents,
            states,
            self.state,
            stamps=stamps,
            observer=observer,
            letters=self._letters,
            embeds=embeds,
        )
        self._batch_size = batch_size if lanes > 1 else UNLIMITED
        self._rounds: RoundWriter | None = None
        if lanes > 1:
            writers: PartWriters = LaneThreads(client, self.state, self._committer, count=lanes)
            if transport is not None:
                self._counters.has_appliers = True
                user = partial(user_of, client)
                writers = RemoteLanes(
                    self.state, namespaces, stamps, transport, user=user, count=lanes
                )
            cut = Lanes(client, namespaces, self._committer, writers, count=lanes, size=batch_size)
            self._rounds = RoundWriter(
                cut, self.state, self._hold, self._retry, self._counters, observer
            )
        self._paying = Paying(
            self._committer.debts, self._retry.run, self._derive, self._hold.renew_in_time
        )
        self._checkpoint: Checkpoint | None = None
        self._clearing = CollectionClearing(
            documents,
            self._clear_piece,
            persist=self._retry.run,
            renew=self._hold.renew_in_time,
            stopping=self._retry.stopping,
            observer=observer,
            sharding=sharding,
        )

    def __repr__(self) -> str:
        return f"<MongoWriter {self._name!r} {self.state!r}>"

    def stop(self) -> None:
        """End the waits for an unreachable target; may be called from any thread."""
        self._retry.stop()

    def stop_waiting(self) -> None:
        """End the waits, up to `confirm` or `take_over`; may be called from any thread."""
        self._retry.stop_waiting()

    def close(self, ended_by: Exception | None = None) -> None:
        """Close the lanes; release the lease, and say what has ended it; release the session."""
        self._session.end_session()
        try:
            with pymongo.timeout(RELEASE_SECONDS):
                if self.state.has_lanes:
                    self.state.close_lanes()  # so that a version that knows none can follow
                self.state.release(ended_by)
        except (PyMongoError, CdcError) as error:
            log.info("lease_left_to_expire", error=str(error))
        if self._rounds is not None:
            self._rounds.close()

    def take_over(self, *, force: bool = False) -> Checkpoint | None:
        """Become the stream's only writer; return its checkpoint, None on a first start.

        Raises LeaseHeld while another daemon of this name is active, unless `force`.
        """
        self._retry.wait_again()
        self._session.end_session()
        self._session = self._client.start_session()
        if self._rounds is not None:
            self._rounds.forget()
        checkpoint = self._retry.run(lambda: self.state.take_over(self._session, force=force))
        sharded = self._retry.run(lambda: self._is_behind_mongos(self._client))
        self._sharding = self._sharding.on(is_sharded=sharded)
        self._hold.begin(one_oplog=self._transactional and not sharded)
        self._committer.debts.owing = True  # another daemon may have left some
        self._retry.run(self._letters.prepare)
        self._counters.open_letters = self._letters.count
        self._counters.committed_at = self.state.committed_at
        self._checkpoint = checkpoint
        return checkpoint

    def stats(self) -> WriterStats:
        """Return the writer's counts; may be called from any thread."""
        return self._counters.stats()

    def renew_lease(self) -> None:
        """Renew the lease if it is due; raises Fenced or StateMissing if it is lost.

        If batches have landed on the primary alone for long enough, wait for a majority: raises
        RolledBack if they are lost.
        """
        self._hold.keep()
        now = time.monotonic()
        if self._letters.count and now - self._looked_at >= LETTERS_AGAIN_SECONDS:
            self._retry.run(self._letters.load)
            self._counters.open_letters = self._letters.count
            self._looked_at = now

    def settle(self) -> None:
        """Wait until a majority has every batch; raises Fenced, StateMissing or RolledBack."""
        self._hold.settle()

    def create(
        self,
        checkpoint: Checkpoint,
        mappings: Sequence[Document],
        covered: Sequence[str] = (),
        left: Sequence[str] = (),
        writes: Sequence[StateWrite] = (),
        held: HeldCopy | None = None,
    ) -> None:
        """Write a new stream's first checkpoint, the state of its copies, and `writes`.

        See StreamState.create for `covered`, `left` and `held`: a target without transactions has
        them with the checkpoint too. Nothing is written where an attempt before this one did it.
        Raises Claimed if one of the writes claims what another stream has claimed.
        """

        def attempt() -> None:
            try:
                with committed_if_any(self._transaction_session) as session:
                    self.state.create(checkpoint, mappings, covered, left, session, held)
                    self._committer.write_state(writes, session)
            except DuplicateKeyError:
                self.state.require_known()

        self._retry.run(attempt)

    @property
    def _transaction_session(self) -> ClientSession | None:
        """The session for transactions; None if the target has none."""
        return self._session if self._transactional else None

    def read_state(self) -> Document | None:
        """Return the stream's state document."""
        return self._retry.run(self.state.read)

    def confirm(self) -> None:
        """Raise Fenced or StateMissing if the stream is no longer this daemon's.

        It waits for the target, even after `stop_waiting`: if another daemon has fenced this one,
        no operator need act.
        """
        self._retry.wait_again()
        self._retry.run(self.state.confirm)

    def apply(self, batch: Batch) -> None:
        """Apply a batch once, with its checkpoint.

        A majority has it when this returns, or within `SETTLE_SECONDS` where more is behind it.

        Rows that the target refuses become dead letters in the same transaction, if their mapping
        says so. Waits for an unreachable target as long as it takes. Raises Fenced, RolledBack,
        StateMissing, WriteRefused, TooManyDeadLetters; Stopped if it was stopped while it waited.
        """
        if batch.clears:
            self._hold.settle()
        for clear in batch.clears:
            self._clearing.carry_out(clear)
        left = without_done(batch, self.state.done)
        if self._is_written_as_round(left):
            return
        for piece in pieces_of(without_done(left, self.state.done), self._batch_size):
            self._apply(piece)

    @property
    def is_ahead(self) -> bool:
        """Whether documents hold transactions beyond the checkpoint; from any thread."""
        return bool(self.state.done)

    def _is_written_as_round(self, batch: Batch) -> bool:
        """Write a batch by lanes, if it can be; return whether all of it has landed."""
        if self._rounds is None or self._letters.count or self.is_ahead:
            return False
        if self._checkpoint is None or self._checkpoint.inflight is not None:
            return False
        if not self._rounds.write(batch, self._decider, self._session, self._sharding):
            return False
        self._checkpoint = batch.checkpoint
        return True

    def forget_debts(self) -> None:
        """Forget what embeds owe that no mapping has any more; raises Fenced, StateMissing."""
        if self._transactional and self._retry.run(self._committer.debts.has_others):
            self._retry.run(self._forget)

    def _forget(self) -> None:
        with suppress(AlreadyLanded):
            self._committer.forget(self._session)
        self.state.landed()

    def write(self, *writes: StateWrite) -> None:
        """Write to the state database while the stream is ours; its position stays as it is.

        Raises Fenced, RolledBack, StateMissing; Stopped.
        """
        self._retry.run(partial(self._write, writes))

    def _write(self, writes: Sequence[StateWrite]) -> None:
        with suppress(AlreadyLanded), committed(self._session) as session:
            self.state.step(session)
            self._committer.write_state(writes, session)
        self.state.landed()

    def pay(self) -> bool:
        """Derive a piece of the documents whose embedded ones have changed; return if any was.

        Values that do not fit become dead letters, as in `apply`, which raises the same.
        """
        if not self._transactional or not self._committer.debts.owing:
            return False
        paid = self._paying.piece()
        self._committer.debts.owing = paid
        self._counters.owed = self._paying.owed
        return paid

    def _derive(self, terms: Terms, count: int) -> bool:
        return self._land_piece(
            lambda checkpoint: self._committer.pay(self._session, checkpoint, terms, count)
        )

    def _clear_piece(
        self, clear: CollectionClear, found: Sequence[Operation], terms: Terms
    ) -> None:
        shard = self._sharding.of_collection(clear.collection)
        self._land_piece(
            lambda checkpoint: self._committer.clear(
                clear, found, terms, self._transaction_session, checkpoint, shard
            )
        )

    def _land_piece(self, send: Callable[[Checkpoint], LetterChanges | None]) -> bool:
        """Make one attempt at a piece, and note that it has landed; False if there is none.

        There is none only at a majority, and only if no attempt whose answer was lost was the last.
        """
        assert self._checkpoint is not None  # the stream was taken over
        self._hold.renew_before_attempt(self._transaction_session)
        with self._hold.attempt():
            try:
                letters = send(self._checkpoint)
                if letters is None:
                    self.state.settle()
            except AlreadyLanded:
                letters = NOTHING
                self._letters.load()
        self._hold.durability.settled()
        if letters is None:
            return False
        if self._transactional:
            self.state.landed()
        self._letters_landed(letters)
        return True

    def _apply(self, batch: Batch) -> None:
        """Send the batch until it has landed, each time as the decider says."""
        send = self._decider.begin(batch)
        while True:
            try:
                self._land(send)
                return
            except FAILURES as failure:
                decision = self._decider.after(send, failure)
                if isinstance(decision, GiveUp):
                    raise decision.error from failure
                let_go(failure)
            if isinstance(decision, SendHalves):
                self._apply_halves(decision)
                return
            send = decision
            self._hold.renew_in_time()  # after each refusal, which costs as much as a batch

    def _apply_halves(self, cut: SendHalves) -> None:
        log.info(
            "batch_cut",
            operations=cut.batch.operations,
            position=str(cut.batch.checkpoint.position),
            error=cut.why,
        )
        for half in cut.halves:
            self._apply(half)

    def _land(self, send: Send) -> None:
        """Send a batch, repeat it on passing errors, and note that it has landed."""
        letter_changes = self._retry.run(partial(self._letters.changes, send.batch))
        value_letters = self._retry.run(partial(self._attempt, send, letter_changes))
        self.state.landed()
        self._checkpoint = send.batch.checkpoint
        if value_letters.writes:
            self._hold.settle()
        self._letters_landed(letter_changes)
        self._letters_landed(value_letters)

    def _letters_landed(self, letters: LetterChanges) -> None:
        new = self._letters.landed(letters)
        self._counters.count_letters(letters, new, self._letters.count)

    def _attempt(self, send: Send, letter_changes: LetterChanges) -> LetterChanges:
        """Make one attempt at a batch; return its changes to letters on embedded values."""
        has_letters = self._letters.count > 0 or bool(letter_changes.writes)
        concern = self._hold.durability.concern(send.batch, letters=has_letters)
        attempt = Attempt.of(send, letter_changes, concern, self._sharding)
        value_letters = NOTHING
        self._hold.renew_before_attempt(self._transaction_session)
        began = time.monotonic()
        with self._hold.attempt():
            try:
                value_letters = self._committer.commit(attempt, self._transaction_session)
            except AlreadyLanded:
                log.info("commit_had_landed", position=str(send.batch.checkpoint.position))
                self._letters.load()
                concern = MAJORITY
            except Refused as refused:
                if not is_about_a_place(refused, self._sharding):
                    raise
                raise judged(refused, self._sharding, self._collections) from refused
        self._hold.durability.landed(concern)
        self._counters.applied(send.batch, attempt.commands, time.monotonic() - began)
        return value_letters
