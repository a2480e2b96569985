"""The documents of a stream's lanes, in the state database: what each has written last.

    _id      made anew for each epoch; the stream's document lists those that count
    stream   the stream's name
    sessions the ids of the sessions that write, or have written, the lane's parts
    by       {host, pid, session} of the applier that attends it
    left     true once that one has ended, and no other one attends it
    target   if appliers write it: {database, user}, what they write to, and as whom
    failed   {round, of_id, error} of a part that an applier could not write
    round    the number of the last round of which the lane has written its part: the sequence
             number that the stream's document has once that round is closed; 0 before the first
    done     the identities of the part's source transactions, see `cdc.model.done`
    place    the place of the last of them in the round
    last     the checkpoint behind that one
    closed   true once nothing can be written by this lane any more

`docs/architecture.md`, "Lanes: several transactions at once", has the argument.
"""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from bson import ObjectId
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import ExecutionTimeout, WTimeoutError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from cdc.errors import CdcError, NoMajority, Unfit
from cdc.model.checkpoint import STREAMS, Checkpoint
from cdc.model.done import Done, Span, joined, spans_of, spans_to_document
from cdc.writers.concerns import MAJORITY, PRIMARY
from cdc.writers.errors import NO_MAJORITY
from cdc.writers.takeover import end_sessions

LANES: Final = "lanes"
"""The collection of the state database that holds them; the field of a stream's that lists ids."""

MARKED_WITHIN_MS: Final = 5_000
MARKED_AFTER_TRIES: Final = 3

Document = dict[str, Any]


class LaneClosed(CdcError):
    """A lane's document cannot be moved: it was closed, or its part has landed before."""


class LanePart(NamedTuple):
    """What a lane notes of its part of a round: see the fields `done`, `place` and `last`."""

    spans: Sequence[Span]
    place: int
    last: Checkpoint


class LaneTarget(NamedTuple):
    """The database that appliers write to, and the user that they log in as, empty for none."""

    database: str
    user: str


class Lane(NamedTuple):
    """A lane that is made: its id, and the ids of the sessions that write it.

    One that appliers write has no session yet.
    """

    id: ObjectId
    sessions: Sequence[bytes] = ()
    target: LaneTarget | None = None

    def to_document(self) -> Document:
        """Return the fields of its document."""
        target = self.target and self.target._asdict()
        return {"_id": self.id, "sessions": [*self.sessions], "target": target}


class LaneDocuments:
    """The documents of one stream's lanes."""

    def __init__(self, database: Database[Document], stream: str) -> None:
        self._client = database.client
        self._stream = stream
        self._documents = database.get_collection(
            LANES, read_concern=ReadConcern("majority"), write_concern=MAJORITY
        )
        self._on_primary = self._documents.with_options(read_concern=ReadConcern("local"))

    def make(self, lanes: Sequence[Lane], session: ClientSession) -> None:
        """Make lanes instead of all others, in a transaction of `session`."""
        self._documents.delete_many({"stream": self._stream}, session=session)
        begun = {"stream": self._stream, "round": 0, "closed": False}
        self._documents.insert_many(
            [{**each.to_document(), **begun} for each in lanes], session=session
        )

    def find(
        self, lanes: Sequence[ObjectId], session: ClientSession | None = None
    ) -> dict[ObjectId, Document]:
        """Return the documents of lanes, by id, as a majority has them, without `done` and `last`.

        These two can be megabytes.
        """
        found = self._documents.find(_among(lanes), {"done": False, "last": False}, session=session)
        return {each["_id"]: each for each in found}

    def move(self, lane: ObjectId, number: int, part: LanePart, session: ClientSession) -> None:
        """Note a part of a round in the transaction that writes it; raises LaneClosed."""
        moved = self._documents.update_one(
            _before(lane, number),
            {
                "$set": {
                    "round": number,
                    "done": spans_to_document(part.spans),
                    "place": part.place,
                    "last": part.last.to_document(),
                }
            },
            session=session,
        )
        if moved.matched_count == 0:
            raise LaneClosed(f"lane {lane} writes no more")

    def attend(self, lane: ObjectId, mine: LaneTarget, session: ClientSession) -> bool:
        """Note that a session will write a lane; return whether it may: the lane is open.

        Open transactions of those that wrote it before are ended: they lock the document. Raises
        Unfit if the lane is to be written as another user, or to another database.
        """
        found = self._on_primary.find_one({"_id": lane, "closed": False})
        if found is None or found["target"] is None:  # a thread of the daemon's own has it
            return False
        if found["target"] != mine._asdict():
            raise _of_another_target(LaneTarget(**found["target"]), mine)
        end_sessions(self._client, found["sessions"])
        noted = self._documents.update_one(
            {"_id": lane, "closed": False},
            {
                "$addToSet": {"sessions": session.session_id["id"]},
                "$set": {"by": _me(session), "left": False},
            },
        )
        return noted.matched_count > 0

    def leave(self, lane: ObjectId, session: ClientSession) -> None:
        """Note that who attends a lane by a session writes it no more, unless another has it."""
        self._documents.update_one(
            {"_id": lane, "closed": False, "by": _me(session)}, {"$set": {"left": True}}
        )

    def tell_failed(self, lane: ObjectId, number: int, error: str, *, of_id: bool) -> None:
        """Note that the part of a round cannot be written, unless the lane has it, or is closed."""
        self._documents.update_one(
            _before(lane, number),
            {"$set": {"failed": {"round": number, "of_id": of_id, "error": error}}},
        )

    def close(self, lanes: Sequence[ObjectId], number: int) -> Done:
        """Close the lanes, which write no more, and return what they have written of a round.

        A transaction of theirs that is open is aborted; one that commits has committed then. Raises
        NoMajority while no majority has it: done again, it comes to the same.
        """
        for lane in lanes[:-1]:
            self._mark(lane, PRIMARY)
        with suppress(WTimeoutError):  # what a majority has is read then
            self._mark(lanes[-1], MAJORITY)
        found = [*self._documents.find(_among(lanes))]
        if len(found) < len(lanes) or not all(each["closed"] for each in found):
            raise NoMajority(f"{NO_MAJORITY} the end of the stream's lanes yet")
        landed = [each for each in found if each["round"] == number and each["done"]]
        if not landed:
            return Done()
        last = max(landed, key=lambda each: int(each["place"]))
        spans = [span for each in landed for span in spans_of(each["done"])]
        return Done(tuple(joined(spans)), Checkpoint.from_document(last["last"]))

    def _mark(self, lane: ObjectId, concern: WriteConcern) -> None:
        """Mark a lane as closed; an open transaction, which locks its document, is ended first."""
        documents = self._documents.with_options(write_concern=concern)
        for left in reversed(range(MARKED_AFTER_TRIES)):
            self._end_sessions(lane)
            try:
                documents.find_one_and_update(
                    {"_id": lane}, {"$set": {"closed": True}}, maxTimeMS=MARKED_WITHIN_MS
                )
                break
            except ExecutionTimeout:  # one that began behind the end of its session
                if not left:
                    raise

    def is_next(self, lane: ObjectId, number: int, session: ClientSession) -> bool:
        """Return whether the stream names a lane and is before a round, in a transaction."""
        streams = self._documents.database[STREAMS]
        wanted = {"_id": self._stream, "lanes": lane, "sequence": number - 1}
        return streams.find_one(wanted, {"_id": True}, session=session) is not None

    def _end_sessions(self, lane: ObjectId) -> None:
        """Abort the open transactions of all that attend a lane, or did."""
        found = self._on_primary.find_one({"_id": lane}, {"sessions": True}) or {}
        end_sessions(self._client, found.get("sessions", ()))


def appliers_of(states: Database[Document], stream: str) -> list[Document]:
    """Return {host, pid, lanes} of each applier that attends lanes of a stream, and how many."""
    attended = {"stream": stream, "closed": False, "by": {"$exists": True}, "left": False}
    found = Counter(
        (each["by"]["host"], each["by"]["pid"]) for each in states[LANES].find(attended)
    )
    return [
        {"host": host, "pid": pid, "lanes": lanes} for (host, pid), lanes in sorted(found.items())
    ]


def _among(lanes: Sequence[ObjectId]) -> Document:
    """Return the filter of some lanes."""
    return {"_id": {"$in": [*lanes]}}


def _me(session: ClientSession) -> Document:
    """Return who attends a lane by a session of this process."""
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "session": session.session_id["id"],
    }


def _before(lane: ObjectId, number: int) -> Document:
    """Return the filter of a lane that is open and has not written its part of a round."""
    return {"_id": lane, "closed": False, "round": {"$lt": number}}


def _of_another_target(theirs: LaneTarget, mine: LaneTarget) -> Unfit:
    """Return the error of an applier that is configured otherwise than the daemon."""
    if theirs.database != mine.database:
        return Unfit(
            f"the stream's documents go to the database {theirs.database}, not {mine.database}",
            remedy=f"write target.database: {theirs.database}, as the daemon has it",
        )
    return Unfit(
        f"the stream's daemon logs in to the target as {theirs.user or 'nobody'}, and this"
        f" applier as {mine.user or 'nobody'}, whose transactions the daemon cannot end",
        remedy="write the user of the daemon's target.uri in this one's",
    )
