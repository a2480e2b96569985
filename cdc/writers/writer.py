"""Applies batches: documents and checkpoint in one transaction, as often as it takes, once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from enum import Enum
from functools import partial
from typing import Any, Final, TypeVar

import pymongo
import structlog
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.errors import ConnectionFailure, DocumentTooLarge, DuplicateKeyError, PyMongoError

from cdc.errors import CdcError, Claimed, Retryable
from cdc.model.batch import Batch
from cdc.model.checkpoint import Checkpoint
from cdc.model.claim import CLAIMS
from cdc.model.state_change import StateWrite
from cdc.model.telemetry import WriterStats
from cdc.retry import Liveness, let_go, persist
from cdc.writers import commands
from cdc.writers.collection_clear import CollectionClearing
from cdc.writers.commands import Command
from cdc.writers.conflicts import Conflicts, Crowded, Patience
from cdc.writers.dead_letters.ledger import DEFAULT_LIMITS, LetterChanges, Limits, OpenLetters
from cdc.writers.dead_letters.quarantine import quarantine
from cdc.writers.errors import (
    DUPLICATE_KEY,
    OBJECT_TOO_LARGE,
    Refused,
    brief,
    check_reply,
    explain,
    is_passing,
    is_too_large,
)
from cdc.writers.observer import UNOBSERVED, WriteObserver, WriteStep
from cdc.writers.split import halves
from cdc.writers.stats import WriterCounters
from cdc.writers.stream_state import MAJORITY, TTL_SECONDS, AlreadyLanded, Document, StreamState
from cdc.writers.sync_timestamps import NO_STAMPS, SyncTimestamps
from cdc.writers.transaction import committed

T = TypeVar("T")

log = structlog.get_logger(__name__)

RELEASE_SECONDS: Final = 1.0
"""How long to try to give the lease back: it expires by itself too."""

RENEWALS_PER_LEASE: Final = 3

LETTERS_AGAIN_SECONDS: Final = 10.0
"""How often to look which letters somebody has discarded."""

INSERT_AGAIN_AFTER: Final = 20
"""After how many batches sent as replaces to try inserts again."""


class WriteStrategy(Enum):
    """How a batch is put into commands; each is right in more cases, and slower, than the last."""

    INSERT = "insert"
    UPSERT = "upsert"
    ORDERED = "ordered"


class _TooLarge(Exception):
    """The target refuses a transaction for its size."""


class MongoWriter:
    """The target's end of one stream."""

    def __init__(
        self,
        client: MongoClient[Document],
        *,
        database: str,
        state_database: str,
        stream: str,
        transactional: bool,
        lease_seconds: float = TTL_SECONDS,
        liveness: Liveness | None = None,
        letter_limits: Limits = DEFAULT_LIMITS,
        stamps: SyncTimestamps = NO_STAMPS,
        observer: WriteObserver = UNOBSERVED,
    ) -> None:
        """With `transactional` a batch and its checkpoint commit together, else one after other.

        `lease_seconds`: how long the stream stays this writer's without a sign of life. `stamps`:
        the fields that tell when a document was written. `observer` watches each step.
        """
        self.state = StreamState(client[state_database], stream, ttl_seconds=lease_seconds)
        self._renew_after_seconds = lease_seconds / RENEWALS_PER_LEASE
        self._renewed_at = 0.0
        self._liveness = liveness or Liveness()
        self._counters = WriterCounters()
        self._client = client
        self._database = client.get_database(database, write_concern=MAJORITY)
        self._state_database = client.get_database(state_database, write_concern=MAJORITY)
        self._transactional = transactional
        self._observer = observer
        self._stamps = stamps
        self._letters = OpenLetters(self._state_database, stream, letter_limits)
        self._looked_at = 0.0
        self._stopping = threading.Event()
        self._stopped = False
        self._replaces_left = 0
        self._patience = Patience()
        self._session = client.start_session()
        self._clearing = CollectionClearing(
            self._database,
            self.state,
            persist=self._persist,
            stopping=self._stopping,
            stamps=stamps,
            observer=observer,
        )

    def __repr__(self) -> str:
        return f"<MongoWriter {self._database.name!r} {self.state!r}>"

    def stop(self) -> None:
        """End the waits for an unreachable target; may be called from any thread."""
        self._stopped = True
        self._stopping.set()

    def stop_waiting(self) -> None:
        """End them, up to `confirm` or `take_over`; may be called from any thread."""
        self._stopping.set()

    def close(self) -> None:
        """Give the lease and the session back."""
        self._session.end_session()
        try:
            with pymongo.timeout(RELEASE_SECONDS):
                self.state.release()
        except PyMongoError as error:
            log.info("lease_left_to_expire", error=str(error))

    def take_over(self, *, force: bool = False) -> Checkpoint | None:
        """Become the stream's only writer; return its checkpoint, None on a first start.

        Raises LeaseHeld while another daemon of the name is active, unless `force`.
        """
        self._wait_again()
        self._session.end_session()
        self._session = self._client.start_session()
        checkpoint = self._persist(lambda: self.state.take_over(self._session, force=force))
        self._persist(self._letters.prepare)
        self._counters.open_letters = self._letters.count
        self._counters.committed_at = self.state.committed_at
        self._renewed_at = time.monotonic()
        return checkpoint

    def stats(self) -> WriterStats:
        """Return what this writer has done; may be called from any thread."""
        return self._counters.stats()

    def renew_lease(self) -> None:
        """Renew the lease if it is time; raises Fenced or StateMissing where it is lost."""
        self._renew_in_time()
        now = time.monotonic()
        if self._letters.count and now - self._looked_at >= LETTERS_AGAIN_SECONDS:
            self._persist(self._letters.load)
            self._counters.open_letters = self._letters.count
            self._looked_at = now

    def _renew_in_time(self) -> None:
        if self._is_renewal_due():
            self._persist(self.state.renew)
            self._renewed_at = time.monotonic()

    def _is_renewal_due(self) -> bool:
        return time.monotonic() - self._renewed_at >= self._renew_after_seconds

    def create(
        self,
        checkpoint: Checkpoint,
        mappings: Sequence[Document],
        covered: Sequence[str] = (),
        writes: Sequence[StateWrite] = (),
    ) -> None:
        """Write a new stream's first checkpoint, which copies need no backfill, and `writes`.

        Nothing is written where an attempt before this one did it. Raises Claimed where one of the
        writes claims what another stream has claimed.
        """

        def attempt() -> None:
            with suppress(DuplicateKeyError), self._whole() as session:
                self.state.create(checkpoint, mappings, covered, session)
                for write in writes:
                    self._write_state(write, session)

        self._persist(attempt)

    def _whole(self) -> AbstractContextManager[ClientSession | None]:
        """Give a transaction, where the target has them."""
        return committed(self._session) if self._transactional else nullcontext()

    def read_state(self) -> Document | None:
        """Return the stream's state document."""
        return self._persist(self.state.read)

    def _wait_again(self) -> None:
        self._stopping.clear()
        if self._stopped:  # looked at behind it: `stop` may be called at any time
            self._stopping.set()

    def confirm(self) -> None:
        """Raise Fenced or StateMissing where the stream is no longer this daemon's.

        It waits for the target, whatever `stop_waiting` said: no human need come where one has
        fenced us.
        """
        self._wait_again()
        self._persist(self.state.confirm)

    def apply(self, batch: Batch) -> None:
        """Apply a batch once: it is durable, with its checkpoint, when this returns.

        What the target refuses of it is set aside in the same transaction, where its mapping says
        so. Waits for an unreachable target as long as it takes. Raises Fenced, StateMissing,
        WriteRefused, TooManyDeadLetters; Stopped where `stop` was called while it waited.
        """
        for clear in batch.clears:
            self._clearing.carry_out(clear, self._session if self._transactional else None)
        self._apply(batch)

    def _apply(self, batch: Batch) -> None:
        strategy, conflicts = self._first_strategy(), self._patience.of(batch)
        while True:
            letter_changes = self._persist(partial(self._letters.changes, batch))
            try:
                self._persist(partial(self._attempt, batch, strategy, letter_changes, conflicts))
                break
            except Refused as error:
                strategy, batch = self._otherwise(strategy, error, batch)
                let_go(error)
            except _TooLarge as error:
                self._in_halves(batch, error)
                return
            except Crowded as error:
                self._patience.lost()
                self._in_halves(batch, error)
                return
            self._renew_in_time()  # each time what the target refuses costs is a batch's
        self.state.landed()
        self._letters.landed(letter_changes)
        self._counters.told(letter_changes, self._letters.count)

    def _in_halves(self, batch: Batch, error: Exception) -> None:
        two = halves(batch)
        if two is None:
            raise CdcError(
                f"the target cannot hold a single change in one transaction: {error}",
                position=batch.checkpoint.position,
                remedy="give mongod a larger cache: storage.wiredTiger.engineConfig.cacheSizeGB",
            ) from error
        log.info(
            "batch_cut",
            operations=batch.operations,
            position=str(batch.checkpoint.position),
            error=str(error),
        )
        for each in two:
            self._apply(each)

    def _first_strategy(self) -> WriteStrategy:
        if self._replaces_left:
            self._replaces_left -= 1
            return WriteStrategy.UPSERT
        return WriteStrategy.INSERT

    def _otherwise(
        self, strategy: WriteStrategy, error: Refused, batch: Batch
    ) -> tuple[WriteStrategy, Batch]:
        """Return what to try next; raises WriteRefused where there is nothing."""
        if error.code == DUPLICATE_KEY and strategy is WriteStrategy.INSERT:
            self._replaces_left = INSERT_AGAIN_AFTER
            return WriteStrategy.UPSERT, batch
        if error.code == DUPLICATE_KEY and strategy is WriteStrategy.UPSERT:
            return WriteStrategy.ORDERED, batch
        return strategy, quarantine(batch, error, in_order=strategy is WriteStrategy.ORDERED)

    def _persist(self, attempt: Callable[[], T]) -> T:
        try:
            return persist(
                partial(self._tried, attempt),
                event="target_retry",
                passing=is_passing,
                stopping=self._stopping,
                cap_seconds=self._renew_after_seconds,
            )
        except PyMongoError as error:
            if is_too_large(error):
                raise _TooLarge(brief(error)) from error
            raise explain(error) from error

    def _tried(self, attempt: Callable[[], T]) -> T:
        self._liveness.tick()
        try:
            result = attempt()
        except Exception as error:
            if not is_passing(error):
                raise
            self._counters.connected = False
            self._counters.retries += 1
            self._counters.outages.failed(brief(error))
            raise Retryable(brief(error)) from error
        self._counters.connected = True
        self._counters.outages.succeeded()
        return result

    def _attempt(
        self,
        batch: Batch,
        strategy: WriteStrategy,
        letter_changes: LetterChanges,
        conflicts: Conflicts,
    ) -> None:
        requests = (
            commands.in_order(batch)
            if strategy is WriteStrategy.ORDERED
            else commands.coalesced(batch, insert_first=strategy is WriteStrategy.INSERT)
        )
        self._hold()
        began = time.monotonic()
        try:
            if self._transactional:
                self._in_transaction(batch, requests, letter_changes, conflicts)
            else:
                self._one_after_other(batch, requests, letter_changes)
        except AlreadyLanded:
            log.info("commit_had_landed", position=str(batch.checkpoint.position))
        except ConnectionFailure:
            raise  # it does not tell how long a batch takes
        except BaseException:
            self.state.took(time.monotonic() - began)
            raise
        self._renewed_at = began  # by the batch's first write
        seconds = time.monotonic() - began
        self.state.took(seconds)
        self._counters.applied(batch, requests, seconds)

    def _hold(self) -> None:
        """Renew the lease where the batch may not do it in time: it is slow, or tried again."""
        is_first = self._counters.connected
        if not self._transactional or (is_first and self.state.is_slow):
            self.state.renew()
        elif not is_first and self._is_renewal_due():
            with committed(self._session) as session:  # ends what a lost attempt has left open
                self.state.renew(session)
            self._renewed_at = time.monotonic()

    def _in_transaction(
        self,
        batch: Batch,
        requests: list[Command],
        letter_changes: LetterChanges,
        conflicts: Conflicts,
    ) -> None:
        self._observer.reached(WriteStep.BEFORE_TRANSACTION)
        with committed(self._session) as session:
            self.state.save_checkpoint(batch.checkpoint, batch.committed_at, session)
            self._observer.reached(WriteStep.AFTER_FIRST_WRITE)
            try:
                self._send(batch, requests, letter_changes, session)
            except PyMongoError as error:
                conflicts.meet(error)
                raise
            self._observer.reached(WriteStep.BEFORE_COMMIT)
        self._observer.reached(WriteStep.AFTER_COMMIT)

    def _one_after_other(
        self, batch: Batch, requests: list[Command], letter_changes: LetterChanges
    ) -> None:
        self._observer.reached(WriteStep.BEFORE_TRANSACTION)
        self._send(batch, requests, letter_changes, None)
        self._observer.reached(WriteStep.BEFORE_COMMIT)
        self.state.save_checkpoint(batch.checkpoint, batch.committed_at, None)
        self._observer.reached(WriteStep.AFTER_COMMIT)

    def _send(
        self,
        batch: Batch,
        requests: list[Command],
        letter_changes: LetterChanges,
        session: ClientSession | None,
    ) -> None:
        for command in requests:
            check_reply(command, self._reply(command, session))
        for write in (*batch.writes, *letter_changes.writes):
            self._write_state(write, session)
        self._observer.wrote(batch, self._state_database, session)

    def _write_state(self, write: StateWrite, session: ClientSession | None) -> None:
        try:
            self._state_database[write.collection].update_one(
                write.query, write.change, upsert=write.upsert, session=session
            )
        except DuplicateKeyError as error:
            if write.collection == CLAIMS:
                raise Claimed from error
            raise

    def _reply(self, command: Command, session: ClientSession | None) -> dict[str, Any]:
        try:
            body = command.body(self._stamps.element(command.collection))
            return self._database.command(body, session=session, **self._concern(session))
        except DocumentTooLarge as error:
            sizes = [len(operation.document) for operation in command.operations]
            refusal = {
                "code": OBJECT_TOO_LARGE,
                "errmsg": str(error),
                "index": sizes.index(max(sizes)),
            }
            raise Refused(command, refusal) from error

    @staticmethod
    def _concern(session: ClientSession | None) -> dict[str, Any]:
        """Return the write concern for a command outside a transaction, which has its own."""
        return {} if session else {"writeConcern": MAJORITY.document}
