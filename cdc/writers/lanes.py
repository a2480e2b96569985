"""Writes a full batch by several threads at once, each a part of it in a transaction of its own.

`docs/architecture.md`, "Lanes: several transactions at once", has the argument and its words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from typing import Any, Final

from bson import ObjectId
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.errors import OperationFailure, PyMongoError

from cdc.errors import CdcError, StaleConnection
from cdc.model.batch import Batch
from cdc.retry import let_go
from cdc.writers.commands import Command
from cdc.writers.commit import Attempt, BatchCommitter
from cdc.writers.concerns import MAJORITY
from cdc.writers.dead_letters.ledger import NOTHING
from cdc.writers.errors import Refused, brief
from cdc.writers.indexes import has_unique_index
from cdc.writers.namespaces import Namespaces
from cdc.writers.rounds import BatchSize, Part, parts_of
from cdc.writers.sharding import Sharding
from cdc.writers.strategy import FAILURES, Send
from cdc.writers.stream_state import StreamState
from cdc.writers.transaction import committed

ROUNDS_AGAIN_AFTER: Final = 20
"""The number of full batches that are no rounds after one that did not land whole."""

TRIES: Final = 5
"""The most attempts at a part: as long as its transaction conflicts, and so is aborted."""


TURN_SECONDS: Final = 0.5
"""The interval at which the stream is kept while its lanes write."""


class RoundFailed(CdcError):
    """A part of a round was not written; others may have been: `attempts` are all."""

    attempts: Sequence[Attempt] = ()


class Lanes:
    """The lanes of one stream's writer; only its thread calls them."""

    def __init__(
        self,
        client: MongoClient[dict[str, Any]],
        namespaces: Namespaces,
        state: StreamState,
        committer: BatchCommitter,
        *,
        count: int,
        size: BatchSize,
    ) -> None:
        """Write `count` parts at once; `size` is that of one writer's batch."""
        self._client = client
        self._namespaces = namespaces
        self._state = state
        self._committer = committer
        self._count = count
        self._size = size
        self._sessions: dict[ObjectId, ClientSession] = {}
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="lane")
        self._left_out = 0
        self._unique: dict[str, bool] = {}

    def close(self) -> None:
        """End the threads and the sessions."""
        self._threads.shutdown()
        self.forget()

    def forget(self) -> None:
        """Forget lanes that are closed, and which collections have unique indexes."""
        for each in self._sessions.values():
            each.end_session()
        self._sessions = {}
        self._unique = {}

    def parts(self, batch: Batch) -> list[Part] | None:
        """Return the parts of a batch that is to be a round; None if it is none."""
        if not batch.is_filled or self._committer.concerns_embeds(batch):
            return None
        if self._left_out:
            self._left_out -= 1
            return None
        return parts_of(batch, lanes=self._count, size=self._size, is_whole=self._has_unique_index)

    def _has_unique_index(self, collection: str) -> bool:
        if (known := self._unique.get(collection)) is not None:
            return known
        found = has_unique_index(self._client, self._namespaces, collection)
        return self._unique.setdefault(collection, found)

    def make(self, session: ClientSession) -> None:
        """Make the lanes in a transaction of `session`; raises what StreamState.make_lanes does."""
        if not self._sessions:
            self._sessions = {ObjectId(): self._client.start_session() for _ in range(self._count)}
        with committed(session):
            self._state.make_lanes(self._sessions, session)

    def write(
        self,
        send: Send,
        parts: Sequence[Part],
        sharding: Sharding,
        *,
        behind: ClientSession,
        meanwhile: Callable[[], None],
    ) -> list[Command]:
        """Write all parts at once, and return their commands.

        All that the session `behind` knows of comes before them. `meanwhile` is called now and
        then; what it raises is raised once no part is written any more. Raises RoundFailed unless
        all have landed; StaleConnection.
        """
        attempts: list[Attempt] = []
        writing: list[Future[None]] = []
        for (lane, session), part in zip(self._sessions.items(), parts, strict=False):
            _advance(session, behind)
            attempts.append(
                Attempt.of(replace(send, batch=part.batch), NOTHING, MAJORITY, sharding)
            )
            note = partial(self._state.move_lane, lane, part.note)
            writing.append(self._threads.submit(self._write, attempts[-1], note, session))
        _wait(writing, meanwhile)
        failed = [each for future in writing if (each := future.exception()) is not None]
        if failed:
            raise self._failure(failed, attempts)
        return [command for each in attempts for command in each.commands]

    def _failure(
        self, failed: Sequence[BaseException], attempts: Sequence[Attempt]
    ) -> BaseException:
        """Return what to raise for parts that failed."""
        for each in failed:
            if isinstance(each, StaleConnection):
                return each
            if not isinstance(each, (PyMongoError, CdcError, *FAILURES)):
                return each
        if not all(isinstance(each, Refused) and each.is_of_id for each in failed):
            self._left_out = ROUNDS_AGAIN_AFTER  # else the next ones replace documents
        first = failed[0]
        failure = RoundFailed(brief(first) if isinstance(first, PyMongoError) else str(first))
        failure.attempts = attempts
        for each in failed:
            let_go(each)
        return failure

    def _write(
        self, attempt: Attempt, note: Callable[[ClientSession], None], session: ClientSession
    ) -> None:
        for left in reversed(range(TRIES)):
            try:
                self._committer.commit_part(attempt, note, session)
                break
            except OperationFailure as conflict:
                if not left or not conflict.has_error_label("TransientTransactionError"):
                    raise
                let_go(conflict)


def _advance(session: ClientSession, behind: ClientSession) -> None:
    """Make a session's next transaction see all that another session knows of."""
    if behind.cluster_time is not None:
        session.advance_cluster_time(behind.cluster_time)
    if behind.operation_time is not None:
        session.advance_operation_time(behind.operation_time)


def _wait(writing: Sequence[Future[None]], meanwhile: Callable[[], None]) -> None:
    """Wait for all; raise what `meanwhile` raised once they have ended."""
    failed: BaseException | None = None
    while wait(writing, TURN_SECONDS).not_done:
        if failed is None:
            try:
                meanwhile()
            except BaseException as error:  # noqa: BLE001 - raised below
                failed = error
    if failed is not None:
        raise failed
