"""Applies batches: documents and checkpoint in one transaction, as often as it takes, once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from enum import Enum
from functools import partial
from typing import Any, Final, TypeVar

import pymongo
import structlog
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.errors import ConnectionFailure, DocumentTooLarge, PyMongoError

from cdc.checkpoint import Checkpoint
from cdc.errors import WriteRefused
from cdc.faults import FaultPoint, Faults
from cdc.pulse import Pulse
from cdc.retry import persist
from cdc.snapshot import Writing
from cdc.writers import commands
from cdc.writers.batch import Batch
from cdc.writers.clearing import Clearing
from cdc.writers.commands import Command
from cdc.writers.failures import Refused, check_reply, explained, is_passing
from cdc.writers.state import MAJORITY, TTL_SECONDS, AlreadyLanded, Document, StreamState
from cdc.writers.tally import Tally
from cdc.writers.transaction import committed

T = TypeVar("T")

log = structlog.get_logger(__name__)

DUPLICATE_KEY: Final = 11000
OBJECT_TOO_LARGE: Final = 10334

RELEASE_SECONDS: Final = 1.0
"""How long to try to give the lease back: it expires by itself too."""

RENEWALS_PER_LEASE: Final = 3

INSERT_AGAIN_AFTER: Final = 20
"""After how many batches sent as replaces to try inserts again."""


class Form(Enum):
    """How a batch is put into commands; each is right in more cases, and slower, than the last."""

    INSERTS = "inserts"
    REPLACES = "replaces"
    IN_ORDER = "in_order"


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
        faults: Faults,
        lease_seconds: float = TTL_SECONDS,
        pulse: Pulse | None = None,
    ) -> None:
        """With `transactional` a batch and its checkpoint commit together, else one after other.

        `lease_seconds`: how long the stream stays this writer's without a sign of life.
        """
        self.state = StreamState(client[state_database], stream, ttl_seconds=lease_seconds)
        self._renew_after_seconds = lease_seconds / RENEWALS_PER_LEASE
        self._renewed_at = 0.0
        self._pulse = pulse or Pulse()
        self._tally = Tally()
        self._client = client
        self._database = client.get_database(database, write_concern=MAJORITY)
        self._state_database = client.get_database(state_database, write_concern=MAJORITY)
        self._ledger = self._state_database[faults.ledger] if faults.ledger else None
        self._transactional = transactional
        self._faults = faults
        self._stopping = threading.Event()
        self._replaces_left = 0
        self._session = client.start_session()
        self._clearing = Clearing(
            self._database,
            self.state,
            persist=self._persist,
            stopping=self._stopping,
            faults=faults,
        )

    def __repr__(self) -> str:
        return f"<MongoWriter {self._database.name!r} {self.state!r}>"

    def stop(self) -> None:
        """End the waits for an unreachable target; may be called from any thread."""
        self._stopping.set()

    def close(self) -> None:
        """Give the lease and the session back."""
        self._session.end_session()
        try:
            with pymongo.timeout(RELEASE_SECONDS):
                self.state.release()
        except PyMongoError as error:
            log.info("lease_left_to_expire", error=str(error))

    def take_over(self) -> Checkpoint | None:
        """Become the stream's only writer; return its checkpoint, None on a first start.

        Raises LeaseHeld while another daemon of the name is active.
        """
        self._session.end_session()
        self._session = self._client.start_session()
        checkpoint = self._persist(lambda: self.state.take_over(self._session))
        self._tally.committed_at = self.state.committed_at
        self._renewed_at = time.monotonic()
        return checkpoint

    def facts(self) -> Writing:
        """Return what this writer has done; may be called from any thread."""
        return self._tally.facts()

    def keep(self) -> None:
        """Renew the lease if it is time; raises Fenced or StateMissing where it is lost."""
        if time.monotonic() - self._renewed_at >= self._renew_after_seconds:
            self._persist(self.state.renew)
            self._renewed_at = time.monotonic()

    def create(
        self, checkpoint: Checkpoint, mappings: dict[str, str], covered: Sequence[str] = ()
    ) -> None:
        """Write a new stream's first checkpoint, and which copies of tables need no backfill."""
        self._persist(lambda: self.state.create(checkpoint, mappings, covered))

    def read_state(self) -> Document | None:
        """Return the stream's state document."""
        return self._persist(self.state.read)

    def confirm(self) -> None:
        """Raise Fenced or StateMissing where the stream is no longer this daemon's."""
        self._persist(self.state.confirm)

    def apply(self, batch: Batch) -> None:
        """Apply a batch once: it is durable, with its checkpoint, when this returns.

        Waits for an unreachable target as long as it takes. Raises Fenced, StateMissing,
        WriteRefused; Stopped where `stop` was called while it waited.
        """
        for clear in batch.clears:
            self._clearing.carry_out(clear, self._session if self._transactional else None)
        form = self._first_form()
        while True:
            try:
                self._persist(partial(self._attempt, batch, form))
                break
            except Refused as error:
                form = self._next_form(form, error, batch)
        self.state.landed()

    def _first_form(self) -> Form:
        if self._replaces_left:
            self._replaces_left -= 1
            return Form.REPLACES
        return Form.INSERTS

    def _next_form(self, form: Form, error: Refused, batch: Batch) -> Form:
        if error.code == DUPLICATE_KEY and form is Form.INSERTS:
            self._replaces_left = INSERT_AGAIN_AFTER
            return Form.REPLACES
        if error.code == DUPLICATE_KEY and form is Form.REPLACES:
            return Form.IN_ORDER
        raise WriteRefused(
            f"the target refuses to write {error.write}: {error.text} (code {error.code})",
            position=batch.checkpoint.position,
            remedy="change the row, or the collection's validator or index, then start again",
        ) from error

    def _persist(self, attempt: Callable[[], T]) -> T:
        try:
            return persist(
                partial(self._tried, attempt),
                event="target_retry",
                passing=is_passing,
                stopping=self._stopping,
            )
        except PyMongoError as error:
            raise explained(error) from error

    def _tried(self, attempt: Callable[[], T]) -> T:
        self._pulse.beat()
        try:
            result = attempt()
        except Exception as error:
            if is_passing(error):
                self._tally.connected = False
                self._tally.retries += 1
            raise
        self._tally.connected = True
        return result

    def _attempt(self, batch: Batch, form: Form) -> None:
        requests = (
            commands.in_order(batch)
            if form is Form.IN_ORDER
            else commands.coalesced(batch, insert_first=form is Form.INSERTS)
        )
        if self.state.is_slow or not self._transactional:
            self.state.renew()
        began = self._renewed_at = time.monotonic()  # a batch's first write renews the lease
        try:
            if self._transactional:
                self._in_transaction(batch, requests)
            else:
                self._one_after_other(batch, requests)
        except AlreadyLanded:
            log.info("commit_had_landed", position=str(batch.checkpoint.position))
        except ConnectionFailure:
            raise  # it does not tell how long a batch takes
        except BaseException:
            self.state.took(time.monotonic() - began)
            raise
        seconds = time.monotonic() - began
        self.state.took(seconds)
        self._tally.applied(batch, requests, seconds)

    def _in_transaction(self, batch: Batch, requests: list[Command]) -> None:
        self._faults.reach(FaultPoint.BEFORE_TRANSACTION)
        with committed(self._session) as session:
            self.state.advance(batch.checkpoint, batch.committed_at, session)
            self._faults.reach(FaultPoint.AFTER_FIRST_WRITE)
            self._send(batch, requests, session)
            self._faults.reach(FaultPoint.BEFORE_COMMIT)
        self._faults.reach(FaultPoint.AFTER_COMMIT)

    def _one_after_other(self, batch: Batch, requests: list[Command]) -> None:
        self._faults.reach(FaultPoint.BEFORE_TRANSACTION)
        self._send(batch, requests, None)
        self._faults.reach(FaultPoint.BEFORE_COMMIT)
        self.state.advance(batch.checkpoint, batch.committed_at, None)
        self._faults.reach(FaultPoint.AFTER_COMMIT)

    def _send(self, batch: Batch, requests: list[Command], session: ClientSession | None) -> None:
        for command in requests:
            check_reply(command, self._reply(command, session))
        for write in batch.writes:
            self._state_database[write.collection].update_one(
                write.query, write.change, upsert=write.upsert, session=session
            )
        if self._ledger is not None and batch.identities:
            entries = [{"_id": identity} for identity in batch.identities]
            self._ledger.insert_many(entries, session=session)

    def _reply(self, command: Command, session: ClientSession | None) -> dict[str, Any]:
        try:
            return self._database.command(command.body(), session=session, **self._concern(session))
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
