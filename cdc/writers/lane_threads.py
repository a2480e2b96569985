"""Writes the parts of a round by threads of this process, each a lane with a session of its own.

`docs/architecture.md`, "Lanes: several transactions at once", has the argument and its words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from typing import Any

from bson import ObjectId
from pymongo import MongoClient
from pymongo.client_session import ClientSession

from cdc.writers.clock import Clock
from cdc.writers.commit import Attempt, BatchCommitter
from cdc.writers.concerns import MAJORITY
from cdc.writers.dead_letters.ledger import NOTHING
from cdc.writers.lane_documents import Lane
from cdc.writers.lanes import TURN_SECONDS, Written
from cdc.writers.rounds import Part
from cdc.writers.sharding import Sharding
from cdc.writers.strategy import Send
from cdc.writers.stream_state import StreamState
from cdc.writers.transaction import committed, repeated


class LaneThreads:
    """The lanes of one stream's writer; only its thread calls them."""

    def __init__(
        self,
        client: MongoClient[dict[str, Any]],
        state: StreamState,
        committer: BatchCommitter,
        *,
        count: int,
    ) -> None:
        """Write `count` parts at once."""
        self._client = client
        self._state = state
        self._committer = committer
        self._count = count
        self._sessions: dict[ObjectId, ClientSession] = {}
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="lane")

    def close(self) -> None:
        """End the threads and the sessions."""
        self._threads.shutdown()
        self.forget()

    def forget(self) -> None:
        """Forget lanes that are closed."""
        for each in self._sessions.values():
            each.end_session()
        self._sessions = {}

    def make(self, session: ClientSession) -> None:
        """Make the lanes in a transaction of `session`; raises what StreamState.make_lanes does."""
        if not self._sessions:
            self._sessions = {ObjectId(): self._client.start_session() for _ in range(self._count)}
        lanes = [Lane(each, (own.session_id["id"],)) for each, own in self._sessions.items()]
        with committed(session):
            self._state.make_lanes(lanes, session)

    def are_attended(self) -> bool:
        """Return True: they are here."""
        return True

    def write(
        self,
        send: Send,
        parts: Sequence[Part],
        sharding: Sharding,
        *,
        behind: ClientSession,
        meanwhile: Callable[[], None],
    ) -> Written:
        """Write all parts at once; see `PartWriters.write`."""
        clock = Clock.of(behind)
        attempts: list[Attempt] = []
        writing: list[Future[None]] = []
        for (lane, session), part in zip(self._sessions.items(), parts, strict=False):
            clock.advance(session)
            attempts.append(
                Attempt.of(replace(send, batch=part.batch), NOTHING, MAJORITY, sharding)
            )
            note = partial(self._state.move_lane, lane, part.note)
            writing.append(self._threads.submit(self._write, attempts[-1], note, session))
        _wait(writing, meanwhile)
        failed = [each for future in writing if (each := future.exception()) is not None]
        return Written([each.commands for each in attempts], failed)

    def _write(
        self, attempt: Attempt, note: Callable[[ClientSession], None], session: ClientSession
    ) -> None:
        repeated(
            partial(self._committer.commit_part, attempt, note, session),
            lambda error: error.has_error_label("TransientTransactionError"),
        )


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
