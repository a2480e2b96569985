"""Makes one attempt at a batch: documents, checkpoint and state, in one transaction or in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DocumentTooLarge, DuplicateKeyError, PyMongoError

from cdc.errors import Claimed
from cdc.model.batch import Batch
from cdc.model.claim import CLAIMS
from cdc.model.state_change import StateWrite
from cdc.writers import commands
from cdc.writers.commands import Command
from cdc.writers.conflicts import Conflicts
from cdc.writers.dead_letters.ledger import LetterChanges
from cdc.writers.errors import OBJECT_TOO_LARGE, Refused, check_reply
from cdc.writers.observer import WriteObserver, WriteStep
from cdc.writers.strategy import Send, WriteStrategy
from cdc.writers.stream_state import MAJORITY, Document, StreamState
from cdc.writers.sync_timestamps import SyncTimestamps
from cdc.writers.transaction import committed


@dataclass(frozen=True, slots=True)
class Attempt:
    """A batch as it is sent: its commands, and its writes to the state database."""

    batch: Batch
    commands: Sequence[Command]
    writes: Sequence[StateWrite]
    conflicts: Conflicts

    @classmethod
    def of(cls, send: Send, letter_changes: LetterChanges) -> Attempt:
        """Build a batch's commands by its strategy."""
        batch = send.batch
        writes = (*batch.writes, *letter_changes.writes)
        return cls(batch, _commands(batch, send.strategy), writes, send.conflicts)


def _commands(batch: Batch, strategy: WriteStrategy) -> list[Command]:
    if strategy is WriteStrategy.ORDERED:
        return commands.in_order(batch)
    return commands.coalesced(batch, insert_first=strategy is WriteStrategy.INSERT)


class BatchCommitter:
    """Commits batches to one stream's target."""

    def __init__(
        self,
        database: Database[Document],
        state_database: Database[Document],
        state: StreamState,
        *,
        stamps: SyncTimestamps,
        observer: WriteObserver,
    ) -> None:
        """Write documents to `database`, and everything else to `state_database`."""
        self._database = database
        self._state_database = state_database
        self._state = state
        self._stamps = stamps
        self._observer = observer

    def commit(self, attempt: Attempt, session: ClientSession | None) -> None:
        """Apply a batch in a transaction of `session`; without one the checkpoint comes last.

        Raises AlreadyLanded, Fenced, StateMissing, Claimed, Refused, MustSplit, Retryable, and the
        driver's errors.
        """
        self._observer.reached(WriteStep.BEFORE_TRANSACTION)
        if session is None:
            self._commit_in_turn(attempt)
        else:
            self._commit_together(attempt, session)
        self._observer.reached(WriteStep.AFTER_COMMIT)

    def _commit_together(self, attempt: Attempt, session: ClientSession) -> None:
        with committed(session):
            self._save_checkpoint(attempt.batch, session)
            self._observer.reached(WriteStep.AFTER_FIRST_WRITE)
            try:
                self._send(attempt, session)
            except PyMongoError as error:
                attempt.conflicts.meet(error)
                raise
            self._observer.reached(WriteStep.BEFORE_COMMIT)

    def _commit_in_turn(self, attempt: Attempt) -> None:
        self._send(attempt, None)
        self._observer.reached(WriteStep.BEFORE_COMMIT)
        self._save_checkpoint(attempt.batch, None)

    def _save_checkpoint(self, batch: Batch, session: ClientSession | None) -> None:
        self._state.save_checkpoint(batch.checkpoint, batch.committed_at, session)

    def _send(self, attempt: Attempt, session: ClientSession | None) -> None:
        for command in attempt.commands:
            check_reply(command, self._reply(command, session))
        self.write_state(attempt.writes, session)
        self._observer.wrote(attempt.batch, self._state_database, session)

    def _reply(self, command: Command, session: ClientSession | None) -> Document:
        body = command.body(self._stamps.element(command.collection))
        # within a transaction the write concern is the transaction's
        concern: Document = {} if session else {"writeConcern": MAJORITY.document}
        try:
            return self._database.command(body, session=session, **concern)
        except DocumentTooLarge as error:
            raise _refused_by_driver(command, error) from error

    def write_state(self, writes: Sequence[StateWrite], session: ClientSession | None) -> None:
        """Write to the state database; raises Claimed if another stream has the claim."""
        for write in writes:
            try:
                self._state_database[write.collection].update_one(
                    write.query, write.change, upsert=write.upsert, session=session
                )
            except DuplicateKeyError as error:
                if write.collection == CLAIMS:
                    raise Claimed from error
                raise


def _refused_by_driver(command: Command, error: DocumentTooLarge) -> Refused:
    """Convert the driver's refusal to the server's: the largest document is to blame."""
    sizes = [len(operation.document) for operation in command.operations]
    index = sizes.index(max(sizes))
    return Refused(command, {"code": OBJECT_TOO_LARGE, "errmsg": str(error), "index": index})
