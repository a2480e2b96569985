"""Makes one attempt at a batch: documents, checkpoint and state, in one transaction or in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import itemgetter

from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, PyMongoError
from pymongo.write_concern import WriteConcern

from cdc.errors import Claimed
from cdc.mapping.file.embed_graph import NO_EMBEDS, EmbedGraph
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.claim import CLAIMS
from cdc.model.document_id import id_value
from cdc.model.operation import Operation, OperationKind
from cdc.model.state_change import CollectionClear, StateWrite
from cdc.writers import commands
from cdc.writers.collection_clear import clearing
from cdc.writers.collections import Collections
from cdc.writers.commands import Command
from cdc.writers.concerns import MAJORITY
from cdc.writers.conflicts import CODES, EXPIRED, Conflicts, less_next
from cdc.writers.dead_letters.ledger import NOTHING, LetterChanges, Missing, OpenLetters
from cdc.writers.embedding.debts import Debts
from cdc.writers.embedding.embedder import Embedder
from cdc.writers.embedding.terms import Outcome, Terms
from cdc.writers.observer import LaneStep, WriteObserver, WriteStep
from cdc.writers.sender import Sender
from cdc.writers.sharding import NOT_SHARDED, Paths, Sharding
from cdc.writers.strategy import Send, WriteStrategy
from cdc.writers.stream_state import Document, StreamState
from cdc.writers.sync_timestamps import SyncTimestamps
from cdc.writers.transaction import committed


@dataclass(frozen=True, slots=True)
class Attempt:
    """A batch as it is sent: its commands, and its writes to the state database."""

    batch: Batch
    commands: Sequence[Command]
    writes: Sequence[StateWrite]
    conflicts: Conflicts
    terms: Terms
    concern: WriteConcern

    @property
    def collections(self) -> set[str]:
        """Where its documents go."""
        return {each.collection for each in self.commands}

    @classmethod
    def of(
        cls,
        send: Send,
        letter_changes: LetterChanges,
        concern: WriteConcern = MAJORITY,
        sharding: Sharding = NOT_SHARDED,
    ) -> Attempt:
        """Build a batch's commands by its strategy; its transaction commits with `concern`."""
        batch = send.batch
        writes = (*batch.writes, *letter_changes.writes)
        sent = [*_removing(send.strays, sharding), *_commands(batch, send.strategy, sharding)]
        return cls(batch, sent, writes, send.conflicts, send.terms, concern)


def _commands(batch: Batch, strategy: WriteStrategy, sharding: Sharding) -> list[Command]:
    if strategy is WriteStrategy.ORDERED:
        return commands.in_order(batch, sharding)
    insert_first = strategy is WriteStrategy.INSERT
    return commands.coalesced(batch, insert_first=insert_first, sharding=sharding)


def _removing(strays: Iterable[tuple[str, Operation]], sharding: Sharding) -> Iterator[Command]:
    """Yield the commands that remove strays."""
    for collection, found in groupby(strays, key=itemgetter(0)):
        deletions = [operation for _, operation in found]
        shard = sharding.of_collection(collection)
        yield from commands.split(collection, OperationKind.DELETE, deletions, shard=shard)


class BatchCommitter:
    """Commits batches to one stream's target."""

    def __init__(
        self,
        collections: Collections,
        state_database: Database[Document],
        state: StreamState,
        *,
        stamps: SyncTimestamps,
        observer: WriteObserver,
        letters: OpenLetters,
        embeds: EmbedGraph = NO_EMBEDS,
    ) -> None:
        """Write documents to `collections`, and everything else to `state_database`.

        `embeds` are kept in each transaction; `letters` tell what they leave out.
        """
        self._sender = Sender(collections, stamps)
        self._state_database = state_database
        self._state = state
        self._observer = observer
        self._letters = letters
        self._embeds = embeds
        self._embedder = Embedder(embeds, collections, state_database, state.stream, stamps)

    @property
    def debts(self) -> Debts:
        """What documents embed and is of an earlier checkpoint."""
        return self._embedder.debts

    def commit(self, attempt: Attempt, session: ClientSession | None) -> LetterChanges:
        """Apply a batch in a transaction of `session`; without one the checkpoint comes last.

        Return the changes to letters on embedded values. Raises AlreadyLanded, Fenced,
        StateMissing, Claimed, Refused, RefusedTogether, Unembeddable, MustSplit,
        TooManyDeadLetters, Retryable, and the driver's errors.
        """
        self._observer.reached(WriteStep.BEFORE_TRANSACTION)
        if session is None:
            self._commit_in_turn(attempt)
            letters = NOTHING
        else:
            letters = self._commit_together(attempt, session)
        self._observer.reached(WriteStep.AFTER_COMMIT)
        return letters

    def pay(
        self, session: ClientSession, checkpoint: Checkpoint, terms: Terms, count: int
    ) -> LetterChanges | None:
        """Derive up to `count` documents of what is owed, in a transaction; None if nothing is.

        `checkpoint` is the stream's. Raises what `commit` does.
        """
        debt = self.debts.oldest()
        if debt is None:
            return None
        send = partial(self._sender.send, session=session)
        derive = partial(self._embedder.pay, debt, session, send, terms, count)
        return self._piece(derive, session, checkpoint, easier=count > 1 or terms.at_once > 0)

    def clear(
        self,
        clear: CollectionClear,
        found: Sequence[Operation],
        terms: Terms,
        session: ClientSession | None,
        checkpoint: Checkpoint,
        shard: Paths = (),
    ) -> LetterChanges:
        """Remove or mark the documents of deletions, and write those that embed them.

        All of it in a transaction; without `session` the documents alone. `checkpoint` is the
        stream's; `shard` names the documents. Raises what `commit` does.
        """
        send = partial(self._send_all, [clearing(clear, found, shard)], terms, session)
        if session is None:
            send()
            return NOTHING
        return self._piece(send, session, checkpoint, easier=len(found) > 1 or terms.at_once > 0)

    def _piece(
        self,
        send: Callable[[], Outcome],
        session: ClientSession,
        checkpoint: Checkpoint,
        *,
        easier: bool,
    ) -> LetterChanges:
        """Send a piece in a transaction that leaves the checkpoint; `easier`: it could be less."""
        with less_next(EXPIRED | CODES, easier=easier), committed(session):
            self._state.step(session)
            letters = self._write_letters(
                send(), Batch((MappedTransaction("", checkpoint, None),)), session
            )
            self._observer.reached(WriteStep.IN_PIECE)
        return letters

    def forget(self, session: ClientSession) -> None:
        """Forget the debts of embeds that no mapping has any more; raises what `commit` does."""
        with committed(session):
            self._state.step(session)
            self.debts.forget_others(session)

    def _commit_together(self, attempt: Attempt, session: ClientSession) -> LetterChanges:
        may_owe = attempt.terms.at_once > 0 and self._embedder.concerns(attempt.collections)
        with less_next(EXPIRED, easier=may_owe), committed(session, attempt.concern):
            self._save_checkpoint(attempt.batch, session)
            self._observer.reached(WriteStep.AFTER_FIRST_WRITE)
            try:
                letters = self._send(attempt, session)
            except PyMongoError as error:
                attempt.conflicts.meet(error, may_owe=may_owe)
                raise
            self._observer.reached(WriteStep.BEFORE_COMMIT)
        return letters

    def concerns_embeds(self, batch: Batch) -> bool:
        """Return whether a collection of the batch embeds or is embedded."""
        return self._embedder.concerns({collection for collection, _ in batch.changes()})

    def commit_part(
        self, attempt: Attempt, note: Callable[[ClientSession], None], session: ClientSession
    ) -> None:
        """Apply a part of a round in a transaction of its lane's session; `note` comes first.

        May be called from any thread. Raises what `note` does, Refused, and the driver's errors.
        """
        with committed(session):
            note(session)
            self._send(attempt, session)
            self._observer.reached(LaneStep.IN_PART)
        self._observer.reached(LaneStep.AFTER_PART)

    def _commit_in_turn(self, attempt: Attempt) -> None:
        self._send(attempt, None)
        self._observer.reached(WriteStep.BEFORE_COMMIT)
        self._save_checkpoint(attempt.batch, None)

    def _save_checkpoint(self, batch: Batch, session: ClientSession | None) -> None:
        self._state.save_checkpoint(batch.checkpoint, batch.committed_at, session)

    def _send(self, attempt: Attempt, session: ClientSession | None) -> LetterChanges:
        outcome = self._send_all(attempt.commands, attempt.terms, session)
        letters = NOTHING
        if session is not None:
            letters = self._write_letters(outcome, attempt.batch, session)
        self.write_state(attempt.writes, session)
        self._observer.wrote(attempt.batch, self._state_database, session)
        return letters

    def _send_all(
        self, commands: Sequence[Command], terms: Terms, session: ClientSession | None
    ) -> Outcome:
        """Send the commands, and what embeds ask for then."""
        send = partial(self._sender.send, session=session)
        collections = {each.collection for each in commands}
        if session is not None and self._embedder.concerns(collections):
            return self._embedder.send(commands, session, send, terms)
        for command in commands:
            send(command)
        return Outcome()

    def _write_letters(
        self, outcome: Outcome, batch: Batch, session: ClientSession
    ) -> LetterChanges:
        """Write what became of embedded values to their letters."""
        missing = [
            Missing(each, self._embeds.table_of(each.collection, id_value(each.id)))
            for each in outcome.left_out
        ]
        letters = self._letters.value_changes(missing, outcome.decided, batch)
        self.write_state(letters.writes, session)
        return letters

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
