"""Writes the parts of one lane, for a daemon that runs elsewhere.

`docs/architecture.md`, "Lanes on other machines", has the argument and its words.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from typing import Any, Final

import pymongo
import structlog
from bson import ObjectId
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from cdc.errors import CdcError, StaleConnection, Unfit
from cdc.retry import Liveness
from cdc.writers.collections import Collections
from cdc.writers.commands import Command
from cdc.writers.commit import Attempt
from cdc.writers.concerns import MAJORITY
from cdc.writers.conflicts import CODES, ConflictBudget
from cdc.writers.dead_letters.ledger import NOTHING
from cdc.writers.errors import Refused, words
from cdc.writers.lane_documents import LaneClosed, LaneDocuments, LaneTarget
from cdc.writers.namespaces import Namespaces
from cdc.writers.observer import UNOBSERVED, LaneStep, WriteObserver
from cdc.writers.part_message import Invitation, PartMessage, PartUnreadable, decode
from cdc.writers.sender import Sender
from cdc.writers.stats import WriterCounters
from cdc.writers.strategy import FAILURES, Send
from cdc.writers.target_retry import TargetRetry
from cdc.writers.transaction import committed, repeated

log = structlog.get_logger(__name__)

LONGEST_WAIT_SECONDS: Final = 2.0
"""The longest wait between two attempts: the daemon waits for the part."""

LEFT_WITHIN_SECONDS: Final = 2.0
"""The limit for leaving a lane: the daemon finds out without it, only later."""


class Outcome(Enum):
    """What has become of what an applier received."""

    LANDED = "landed"
    ATTENDED = "attended"
    """It was an invitation."""
    DROPPED = "dropped"
    """It has landed before, or its lane is closed, or it is no part of this stream."""
    FAILED = "failed"
    """The target does not take it; the daemon was told."""


@dataclass(frozen=True, slots=True)
class WrittenPart:
    """What has become of a part; if it landed, with what was sent."""

    outcome: Outcome
    commands: Sequence[Command] = ()


class PartWriter:
    """The writer of one partition's parts; one thread calls it, `stop` apart."""

    def __init__(
        self,
        client: MongoClient[dict[str, Any]],
        namespaces: Namespaces,
        user: str,
        *,
        counters: WriterCounters,
        observer: WriteObserver = UNOBSERVED,
    ) -> None:
        """Write parts of the stream of `namespaces`, logged in as `user`, empty for nobody."""
        self._client = client
        self._namespaces = namespaces
        self._mine = LaneTarget(namespaces.database, user)
        self._states = client.get_database(namespaces.state_database, write_concern=MAJORITY)
        self._lanes = LaneDocuments(self._states, namespaces.stream)
        self._observer = observer
        self._retry = TargetRetry(counters, Liveness(), cap_seconds=LONGEST_WAIT_SECONDS)
        self._session = client.start_session()
        self._attended: ObjectId | None = None

    def stop(self) -> None:
        """End the waits for the target; may be called from any thread."""
        self._retry.stop()

    def close(self) -> None:
        """Leave the lane, if the target takes it now, and end the session."""
        if self._attended is not None:
            with suppress(PyMongoError), pymongo.timeout(LEFT_WITHIN_SECONDS):
                self._lanes.leave(self._attended, self._session)
        self._session.end_session()

    def write(self, data: bytes) -> WrittenPart:
        """Write a part, unless it has landed or its lane is closed; or attend a lane.

        Waits for an unreachable target as long as it takes. Raises Stopped, StaleConnection, and
        Unfit if this process is configured otherwise than the daemon.
        """
        try:
            message = decode(data)
            if isinstance(message, Invitation):
                attended = self._retry.run(lambda: self._attend(message.lane))
                return WrittenPart(Outcome.ATTENDED if attended else Outcome.DROPPED)
            return self._landed(message)
        except PartUnreadable as error:
            log.warning("part_dropped", error=error.message)
        except LaneClosed:
            pass
        return WrittenPart(Outcome.DROPPED)

    def _landed(self, message: PartMessage) -> WrittenPart:
        try:
            return self._retry.run(partial(self._tried, message))
        except (StaleConnection, Unfit, LaneClosed):
            raise
        except (PyMongoError, CdcError, *FAILURES) as error:
            return self._failed(message, error)

    def _tried(self, message: PartMessage) -> WrittenPart:
        """Make one attempt at a part; have the next one in another session if it fails.

        A conflict with another lane, as both make one collection, is none: it is tried at once.
        """
        if not self._attend(message.lane):
            raise LaneClosed(f"lane {message.lane} is closed")
        session = self._session
        try:
            message.clock.advance(session)
            return repeated(
                partial(self._written, message, session), lambda error: error.code in CODES
            )
        except PyMongoError:
            session.end_session()
            self._session, self._attended = self._client.start_session(), None
            raise

    def _attend(self, lane: ObjectId) -> bool:
        """Attend a lane unless it is closed; return whether it is attended."""
        if lane != self._attended:
            if not self._lanes.attend(lane, self._mine, self._session):
                return False
            log.debug("lane_attended", stream=self._namespaces.stream, lane=str(lane))
            self._attended = lane
        return True

    def _written(self, message: PartMessage, session: ClientSession) -> WrittenPart:
        batch = message.batch
        send = Send(batch, message.strategy, ConflictBudget().begin(batch))
        commands = Attempt.of(send, NOTHING, MAJORITY, message.sharding).commands
        namespaces = replace(self._namespaces, hidden=message.hidden)
        collections = Collections(self._client, namespaces, write_concern=MAJORITY)
        sender = Sender(collections, message.timestamps)
        with committed(session):
            self._lanes.move(message.lane, message.round, message.note, session)
            if not self._lanes.is_next(message.lane, message.round, session):
                raise LaneClosed(f"round {message.round} is not the stream's next")
            for command in commands:
                sender.send(command, session)
            self._observer.wrote(batch, self._states, session)
            self._observer.reached(LaneStep.IN_PART)
        self._observer.reached(LaneStep.AFTER_PART)
        return WrittenPart(Outcome.LANDED, commands)

    def _failed(self, message: PartMessage, error: Exception) -> WrittenPart:
        """Report to the daemon that a part cannot be written."""
        text = words(error)
        log.info("part_failed", stream=self._namespaces.stream, round=message.round, error=text)
        of_id = isinstance(error, Refused) and error.is_of_id
        self._retry.run(
            lambda: self._lanes.tell_failed(message.lane, message.round, text, of_id=of_id)
        )
        return WrittenPart(Outcome.FAILED)
