"""The documents of a stream's lanes, in the state database: what each has written last.

    _id      made anew for each epoch; the stream's document lists those that count
    stream   the stream's name
    session  the id of the session that writes the lane's parts
    round    the number of the last round of which the lane has written its part: the sequence
             number that the stream's document has once that round is closed; 0 before the first
    done     the identities of the part's source transactions, see `cdc.model.done`
    place    the place of the last of them in the round
    last     the checkpoint behind that one
    closed   true once nothing can be written by this lane any more

`docs/architecture.md`, "Lanes: several transactions at once", has the argument.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from bson import ObjectId
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import ExecutionTimeout, WTimeoutError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from cdc.errors import CdcError, NoMajority
from cdc.model.checkpoint import Checkpoint
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


class LaneDocuments:
    """The documents of one stream's lanes."""

    def __init__(self, database: Database[Document], stream: str) -> None:
        self._client = database.client
        self._stream = stream
        self._documents = database.get_collection(
            LANES, read_concern=ReadConcern("majority"), write_concern=MAJORITY
        )

    def make(self, sessions: Mapping[ObjectId, ClientSession], session: ClientSession) -> None:
        """Make lanes, by their ids and the sessions that are to write, instead of all others."""
        self._documents.delete_many({"stream": self._stream}, session=session)
        self._documents.insert_many(
            [
                {
                    "_id": lane,
                    "stream": self._stream,
                    "session": each.session_id["id"],
                    "round": 0,
                    "closed": False,
                }
                for lane, each in sessions.items()
            ],
            session=session,
        )

    def move(self, lane: ObjectId, number: int, part: LanePart, session: ClientSession) -> None:
        """Note a part of a round in the transaction that writes it; raises LaneClosed."""
        moved = self._documents.update_one(
            {"_id": lane, "closed": False, "round": {"$lt": number}},
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

    def close(self, lanes: Sequence[ObjectId], number: int) -> Done:
        """Close the lanes, which write no more, and return what they have written of a round.

        A transaction of theirs that is open is aborted; one that commits has committed then. Raises
        NoMajority while no majority has it: done again, it comes to the same.
        """
        wanted = {"_id": {"$in": [*lanes]}}
        sessions = [each["session"] for each in self._documents.find(wanted)]
        for lane in lanes[:-1]:
            self._mark(lane, sessions, PRIMARY)
        with suppress(WTimeoutError):  # what a majority has is read then
            self._mark(lanes[-1], sessions, MAJORITY)
        found = [*self._documents.find(wanted)]
        if len(found) < len(lanes) or not all(each["closed"] for each in found):
            raise NoMajority(f"{NO_MAJORITY} the end of the stream's lanes yet")
        landed = [each for each in found if each["round"] == number and each["done"]]
        if not landed:
            return Done()
        last = max(landed, key=lambda each: int(each["place"]))
        spans = [span for each in landed for span in spans_of(each["done"])]
        return Done(tuple(joined(spans)), Checkpoint.from_document(last["last"]))

    def _mark(self, lane: ObjectId, sessions: Sequence[bytes], concern: WriteConcern) -> None:
        """Mark a lane as closed; an open transaction, which locks its document, is ended first."""
        documents = self._documents.with_options(write_concern=concern)
        for left in reversed(range(MARKED_AFTER_TRIES)):
            end_sessions(self._client, sessions)
            try:
                documents.find_one_and_update(
                    {"_id": lane}, {"$set": {"closed": True}}, maxTimeMS=MARKED_WITHIN_MS
                )
                break
            except ExecutionTimeout:  # one that began behind the end of its session
                if not left:
                    raise
