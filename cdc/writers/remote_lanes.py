"""Has the parts of a round written by appliers: processes that get them from a transport.

`docs/architecture.md`, "Lanes on other machines", has the argument and its words. The transport
proves nothing: what has landed, the lanes' documents say.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import pymongo
import structlog
from bson import ObjectId
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from cdc.errors import CdcError
from cdc.writers.clock import Clock
from cdc.writers.errors import is_passing
from cdc.writers.lane_documents import Document, Lane, LaneTarget
from cdc.writers.lanes import TURN_SECONDS, PartFailed, Written
from cdc.writers.namespaces import Namespaces
from cdc.writers.part_message import Invitation, PartMessage
from cdc.writers.rounds import Part
from cdc.writers.sharding import Sharding
from cdc.writers.strategy import Send
from cdc.writers.stream_state import StreamState
from cdc.writers.sync_timestamps import SyncTimestamps
from cdc.writers.transaction import committed

log = structlog.get_logger(__name__)

STILL_SECONDS: Final = 30.0
"""How long no lane of a round may land before the round has failed."""

LEFT_SECONDS: Final = 5.0
"""How long a lane may be left by its applier before the round has failed: others may come."""

ROUND_SECONDS: Final = 60.0
"""How long a round may take."""

LOOK_SECONDS: Final = (0.002, 0.02)
"""The shortest interval between two looks at the lanes, and the longest."""

LOOK_WITHIN_SECONDS: Final = 5.0
"""The limit of one look: a lease must not expire meanwhile."""

INVITED_AGAIN_SECONDS: Final = (1.0, 600.0)
"""The first interval between two invitations, which doubles, and the longest."""

UNATTENDED_SECONDS: Final = 30.0
"""After so long in which invitations were in vain, somebody should know."""


class Transport(Protocol):
    """Carries parts to appliers: `cdc.publishing.parts.PartProducer`."""

    def is_ready(self) -> bool:
        """Return whether parts can be sent."""
        ...

    def send(self, partition: int, lane: str, number: int, data: bytes) -> None:
        """Send a part of the round `number`, which may be lost; raises CdcError if it is not taken.

        An invitation is of round 0.
        """
        ...

    def error(self) -> CdcError | None:
        """Return why something that was sent since the last call will not arrive; None if none."""
        ...

    def close(self) -> None:
        """End it."""
        ...


@dataclass(slots=True)
class _Attendance:
    """Whether the lanes are attended, and when to look, and to invite, again."""

    is_whole: bool = False
    look_at: float = 0.0
    invite_at: float = 0.0
    pause_seconds: float = INVITED_AGAIN_SECONDS[0]
    first_invited_at: float | None = None
    too_slow: bool = False

    def anew(self) -> None:
        """Begin with other lanes; a pause goes on if the last round took too long."""
        self.is_whole, self.look_at, self.first_invited_at = False, 0.0, None
        if not self.too_slow:
            self.pause_seconds, self.invite_at = INVITED_AGAIN_SECONDS[0], 0.0

    def invited(self, now: float) -> bool:
        """Note an invitation; return whether those before it have been in vain for long."""
        self.wait_longer(now)
        if self.first_invited_at is None:
            self.first_invited_at = now
        return now - self.first_invited_at >= UNATTENDED_SECONDS

    def wait_longer(self, now: float) -> None:
        """Put the next invitation off, and the one behind it for twice as long."""
        self.invite_at = now + self.pause_seconds
        self.pause_seconds = min(INVITED_AGAIN_SECONDS[1], 2 * self.pause_seconds)


class RemoteLanes:
    """The lanes that appliers write for one stream; only its writer's thread calls them."""

    def __init__(
        self,
        state: StreamState,
        namespaces: Namespaces,
        stamps: SyncTimestamps,
        transport: Transport,
        *,
        user: Callable[[], str],
        count: int,
    ) -> None:
        """Send each round's parts, `count` at most, by the transport.

        `user` returns whom this process has logged in to the target as.
        """
        self._state = state
        self._namespaces = namespaces
        self._stamps = stamps
        self._transport = transport
        self._user = user
        self._count = count
        self._lanes: tuple[ObjectId, ...] = ()
        self._attendance = _Attendance()
        self._usual_seconds = 0.0
        """How long the last round took."""

    def close(self) -> None:
        """End the transport."""
        self._transport.close()
        self.forget()

    def forget(self) -> None:
        """Forget lanes that are closed."""
        self._lanes = ()
        self._attendance.anew()

    def make(self, session: ClientSession) -> None:
        """Make the lanes in a transaction of `session`; raises what StreamState.make_lanes does."""
        if not self._lanes:
            self._lanes = tuple(ObjectId() for _ in range(self._count))
        target = LaneTarget(self._namespaces.database, self._user())
        lanes = [Lane(each, (), target) for each in self._lanes]
        with committed(session):
            self._state.make_lanes(lanes, session)

    def are_attended(self) -> bool:
        """Return whether an applier has each lane; invite them now and then."""
        attendance, now = self._attendance, time.monotonic()
        if not self._transport.is_ready():
            return False
        if not attendance.is_whole and now >= attendance.look_at:
            attendance.look_at = now + TURN_SECONDS
            if (lost := self._transport.error()) is not None:
                self._tell(lost)
            found = self._state.find_lanes()
            attendance.is_whole = len(found) == self._count and all(
                map(_is_attended, found.values())
            )
            if attendance.is_whole:
                log.info("lanes_attended", stream=self._namespaces.stream, lanes=self._count)
            elif now >= attendance.invite_at:
                self._invite()
                if attendance.invited(now):
                    self._tell_who_lacks(found)
        return attendance.is_whole

    def _invite(self) -> None:
        for partition, lane in enumerate(self._lanes):
            invitation = Invitation(lane, self._namespaces.stream)
            try:
                self._transport.send(partition, str(lane), 0, invitation.encode())
            except CdcError as error:  # the next one may arrive
                self._tell(error)
                return

    def _tell_who_lacks(self, found: Mapping[ObjectId, Document]) -> None:
        """Log which lanes nobody has attended, though they were invited several times."""
        log.warning(
            "lanes_unattended",
            stream=self._namespaces.stream,
            lanes=[
                n for n, each in enumerate(self._lanes) if not _is_attended(found.get(each, {}))
            ],
            remedy="see that appliers run, cdc run --role apply, with this stream's target; and"
            " that no other stream of its name uses the same Kafka",
        )

    def _tell(self, error: CdcError) -> None:
        """Log why an invitation does not arrive: nobody will attend its lane."""
        log.warning(
            "lanes_not_invited",
            stream=self._namespaces.stream,
            error=error.message,
            remedy=error.remedy,
        )

    def write(
        self,
        send: Send,
        parts: Sequence[Part],
        sharding: Sharding,
        *,
        behind: ClientSession,
        meanwhile: Callable[[], None],
    ) -> Written:
        """Send all parts, and wait until they have landed; see `PartWriters.write`."""
        self._transport.error()  # of a round before
        number, lanes = self._state.round, self._lanes[: len(parts)]
        failed: Sequence[PartFailed | PyMongoError]
        try:
            self._send(send, parts, sharding, Clock.of(behind))
            failed = self._wait(lanes, number, behind, meanwhile)
        except (PartFailed, PyMongoError) as error:
            failed = [error]
        if not failed:
            self._attendance.too_slow = False
        return Written([()] * len(parts), failed)

    def _send(self, send: Send, parts: Sequence[Part], sharding: Sharding, clock: Clock) -> None:
        """Send all parts; raises PartFailed if one is not taken."""
        for partition, (lane, part) in enumerate(zip(self._lanes, parts, strict=False)):
            message = PartMessage(
                lane,
                self._state.round,
                part.note,
                part.batch.completed,
                part.batch.committed_at,
                send.strategy,
                clock,
                self._namespaces.hidden,
                self._stamps.fields,
                sharding,
                [*part.batch.changes()],
            )
            try:
                self._transport.send(partition, str(lane), message.round, message.encode())
            except CdcError as error:
                raise PartFailed(f"a part was not sent: {error.message}") from error

    def _wait(
        self,
        lanes: Sequence[ObjectId],
        number: int,
        session: ClientSession,
        meanwhile: Callable[[], None],
    ) -> list[PartFailed]:
        """Wait until all lanes have landed; return why not."""
        (least, most), began = LOOK_SECONDS, time.monotonic()
        seconds = min(TURN_SECONDS, max(least, self._usual_seconds / 2))  # each look costs both
        landed, landed_at, kept_at, attended_at = 0, began, began, began
        while True:
            time.sleep(seconds)
            left = self._left(lanes, number, session)
            now = time.monotonic()
            if left is not None:
                if not left:
                    self._usual_seconds = now - began
                    return []
                if failed := [error for each in left if (error := _error(each, number))]:
                    return failed
                if len(lanes) - len(left) > landed:
                    landed, landed_at = len(lanes) - len(left), now
                if not any(each.get("left") for each in left):
                    attended_at = now
                elif now - attended_at >= LEFT_SECONDS:
                    return [PartFailed("the applier of a lane has ended, and no other has it")]
            if (lost := self._transport.error()) is not None:
                return [PartFailed(f"a part was not sent: {lost.message}")]
            if now - landed_at >= STILL_SECONDS or now - began >= ROUND_SECONDS:
                self._attendance.too_slow = True  # some are, though others land
                self._attendance.wait_longer(now)
                return [PartFailed(f"appliers have not written a round in {now - began:.0f} s")]
            if now - kept_at >= TURN_SECONDS:
                meanwhile()
                kept_at = now
            seconds = min(most, seconds * 1.5)

    def _left(
        self, lanes: Sequence[ObjectId], number: int, session: ClientSession
    ) -> list[Document] | None:
        """Return the documents of lanes that have not landed; None if that cannot be seen now."""
        try:
            with pymongo.timeout(LOOK_WITHIN_SECONDS):
                found = self._state.find_lanes(session)
        except PyMongoError as error:
            if not is_passing(error):
                raise
            return None
        documents = [found.get(each, {"closed": True}) for each in lanes]
        return [each for each in documents if each.get("round") != number]


def _is_attended(document: Document) -> bool:
    """Return whether somebody writes a lane."""
    return bool(document.get("sessions")) and not document.get("left")


def _error(document: Document, number: int) -> PartFailed | None:
    """Return why a part will not land, if that is known."""
    if document["closed"]:
        return PartFailed("a lane was closed by another process")
    told = document.get("failed") or {}
    if told.get("round") != number:
        return None
    error = PartFailed(f"an applier could not write a part: {told['error']}")
    error.is_of_id = bool(told["of_id"])
    return error
