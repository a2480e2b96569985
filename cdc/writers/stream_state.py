"""The stream's state document: checkpoint, sequence number, epoch and owner.

    _id           the stream's name
    sequence      the number of the last batch
    epoch         incremented by each takeover
    owner         {host, pid, instance, place, started, session}, see `cdc.model.lease`; or null
    lease_until   by the target's clock, as the times below; null if it was released
    lease_seconds how long it lasts from its renewal on
    position, inflight, server, witness      the checkpoint, see `cdc.model.checkpoint`
    copying       while the stream is held, see `cdc.model.first_copy`; position is null then
    ahead         what the first copy has seen, see there
    lanes         the ids of the lanes that can write, see `cdc.writers.lane_documents`
    done          what lanes have applied beyond the position, see `cdc.model.done`
    committed_at  the source's commit time of what was applied last; null if nothing was
    created_at, updated_at                   the first write, the last one of a batch or takeover
    lag_seconds, lag_at                      the owner's lag as last told, null if unknown; when
    mappings      the accepted ones, see `cdc.writers.accepted_mappings`
    covered       the copies of tables that need no backfill, or have one queued
    ended_by      what has ended the last daemon, see `cdc.model.last_end`
    left          the copies that missed deletes, or go where another stream has left documents

Each batch's first write moves it from sequence n to n + 1 on the condition that epoch, owner and n
are still ours. That fences a daemon that was replaced, and it decides a commit whose answer was
lost: a repeated batch finds n + 1 and its own epoch, so it had landed. The same write renews the
lease. An older sequence than n shows that the target has lost batches.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

from bson import ObjectId
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import WTimeoutError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from cdc.errors import Fenced, NoMajority, RolledBack, StateMissing
from cdc.model.checkpoint import STREAMS, Checkpoint
from cdc.model.claim import CLAIMS
from cdc.model.dead_letter import DEAD_LETTERS
from cdc.model.done import DONE, NOTHING_DONE, Done
from cdc.model.first_copy import COPYING, RANGES, HeldCopy, ahead_of
from cdc.model.job import JOBS
from cdc.model.last_end import to_fields
from cdc.model.lease import LeaseWatch, Owner, this_process
from cdc.model.position import Position
from cdc.writers.concerns import MAJORITY
from cdc.writers.embedding.debts import DEBTS
from cdc.writers.errors import NO_MAJORITY
from cdc.writers.lane_documents import LANES, Lane, LaneDocuments, LanePart
from cdc.writers.observer import UNOBSERVED, LaneStep, WriteObserver
from cdc.writers.takeover import Takeover, lease_of, with_clock

STATE_COLLECTIONS: Final = (STREAMS, JOBS, DEAD_LETTERS, CLAIMS, DEBTS, RANGES, LANES)
"""The collections of a state database, for all its streams."""

TTL_SECONDS: Final = 10.0

LAG_SECONDS: Final = 1.0
"""The shortest time between two tellings of the lag."""

SLOW_BATCHES: Final = 2
"""The number of batches, as long as the last one, that a lease covers."""

Document = dict[str, Any]


class AlreadyLanded(Exception):
    """The batch was committed by an attempt whose answer was lost."""


@dataclass(frozen=True, slots=True)
class Held:
    """The daemon's hold on the stream: its epoch, and the sequence number of the last batch."""

    epoch: int
    sequence: int


class StreamState:
    """One stream's state document, in the state database of the target."""

    def __init__(
        self,
        database: Database[Document],
        stream: str,
        *,
        ttl_seconds: float = TTL_SECONDS,
        owner: Owner | None = None,
        lag_seconds: Callable[[], float | None] = lambda: None,
        range_id: str | None = None,
        observer: WriteObserver = UNOBSERVED,
        watch: LeaseWatch | None = None,
    ) -> None:
        """`lag_seconds` is the owner's own measure, told with what it writes.

        With `range_id` it is the state of one range of a held stream instead, which is held,
        moved and fenced in the same way. `watch` judges the leases of others.
        """
        self._stream = stream
        self._id = stream if range_id is None else range_id
        self._documents: Collection[Document] = database.get_collection(
            STREAMS if range_id is None else RANGES,
            read_concern=ReadConcern("majority"),
            write_concern=MAJORITY,
        )
        self._ttl_seconds = self._lease_seconds = ttl_seconds
        self._owner = owner or this_process()
        self._takeover = Takeover(
            self._documents, self._id, stream, self._owner, lease_seconds=ttl_seconds, watch=watch
        )
        self._held = Held(0, 0)
        self._lane_documents = LaneDocuments(database, stream)
        self._observer = observer
        self._measure_lag = lag_seconds
        self._lag_told_at = -math.inf
        self.committed_at: float | None = None
        self.held_copy: HeldCopy | None = None
        """What is copied before the stream begins, as the takeover found it."""
        self.ahead: tuple[Position, ...] = ()
        """What documents may hold though the stream's position is before it, likewise."""
        self.done = NOTHING_DONE
        """What lanes have applied beyond the position."""
        self._done_then = NOTHING_DONE
        self._lanes: tuple[ObjectId, ...] = ()

    @property
    def stream(self) -> str:
        """The stream's name."""
        return self._stream

    def __repr__(self) -> str:
        held = self._held
        return f"<StreamState {self._id!r} epoch={held.epoch} sequence={held.sequence}>"

    def read(self) -> Document | None:
        """Return the document as a majority has it; None if there is none."""
        return self._documents.find_one({"_id": self._id})

    def require_known(self) -> None:
        """Raise NoMajority unless a majority has a state of the stream."""
        if self.read() is None:
            raise NoMajority(f"{NO_MAJORITY} the first state of the stream yet")

    def create(
        self,
        checkpoint: Checkpoint,
        mappings: Sequence[Document],
        covered: Sequence[str] = (),
        left: Sequence[str] = (),
        session: ClientSession | None = None,
        held: HeldCopy | None = None,
    ) -> None:
        """Write the first state of a new stream; raises DuplicateKeyError if there is one.

        `covered` are the copies of tables that need no backfill, `left` those that go where another
        stream has left documents. With `held` the stream begins once that is copied.
        """
        document = {
            "_id": self._stream,
            "sequence": 0,
            "epoch": 0,
            "owner": None,
            "lease_until": None,
            **checkpoint.to_document(),
            "committed_at": None,
            "created_at": datetime.now(UTC),
            "mappings": list(mappings),
            "covered": list(covered),
            "left": list(left),
        }
        if held is not None:
            document |= {"position": None, COPYING: held.to_document()}
        self._documents.insert_one(document, session=session)

    def read_with_clock(self) -> Document | None:
        """Return the document as a majority has it, with the target's clock as `now`, or None."""
        return with_clock(self._documents, self._id)

    def take_over(self, session: ClientSession, *, force: bool = False) -> Checkpoint | None:
        """Become the stream's owner; return its checkpoint, None if there is no state.

        The former owner can write no more from then on. Raises what `Takeover.make` does.
        """
        try:
            taken = self._make_takeover(session, force=force)
        except NoMajority:  # the write that matched nothing has waited until one has what there is
            taken = self._make_takeover(session, force=force)
        if taken is None:
            return None
        self._held = Held(int(taken["epoch"]), int(taken["sequence"]))
        self.done, self._lanes = Done.of(taken), tuple(taken.get(LANES, ()))
        if self._lanes:
            taken = {**taken, **self._save_closed()}
            self._lanes = ()
            self.landed()
        self.committed_at = _seconds(taken.get("committed_at") or taken.get("created_at"))
        self.held_copy, self.ahead = HeldCopy.of(taken), ahead_of(taken)
        return Checkpoint.from_document(taken)

    def _make_takeover(self, session: ClientSession, *, force: bool) -> Document | None:
        seen = self.read_with_clock()
        return None if seen is None else self._takeover.make(seen, session, force=force)

    def save_checkpoint(
        self, checkpoint: Checkpoint, committed_at: float | None, session: ClientSession | None
    ) -> None:
        """Save a checkpoint, if the stream is still ours and where we left it.

        Raises AlreadyLanded, RolledBack, Fenced, StateMissing or NoMajority otherwise.
        """
        saved = checkpoint.to_document()
        if committed_at is not None:
            saved["committed_at"] = datetime.fromtimestamp(committed_at, UTC)
        if self.done and self.done.is_passed_by(checkpoint.position):
            saved[DONE] = None
        self._move(saved, session)

    def step(self, session: ClientSession) -> None:
        """Increment the sequence as `save_checkpoint` does; the checkpoint stays as it is."""
        self._move({}, session)

    def _move(self, saved: Document, session: ClientSession | None) -> None:
        held = self._held
        self._done_then = Done.of(saved) if DONE in saved else self.done
        saved = {**saved, "sequence": held.sequence + 1}
        literal = {key: {"$literal": value} for key, value in saved.items()}
        result = self._documents.update_one(
            {**self._ours, "sequence": held.sequence},
            [
                {
                    "$set": {
                        **literal,
                        **self._lag(),
                        **lease_of(self._lease_seconds),
                        "updated_at": "$$NOW",
                    }
                }
            ],
            session=session,
        )
        if result.matched_count == 0:
            self._raise_why_nothing_matched()

    @property
    def has_lanes(self) -> bool:
        """Whether there are lanes that can write."""
        return bool(self._lanes)

    @property
    def round(self) -> int:
        """The number of the next round: the sequence that the stream has once it is closed."""
        return self._held.sequence + 1

    def make_lanes(self, lanes: Sequence[Lane], session: ClientSession) -> None:
        """Make lanes in a transaction.

        Raises what `save_checkpoint` does; AlreadyLanded if they are made.
        """
        self._lanes = tuple([each.id for each in lanes])
        self._move({LANES: [*self._lanes]}, session)
        self._lane_documents.make(lanes, session)

    def find_lanes(self, session: ClientSession | None = None) -> dict[ObjectId, Document]:
        """Return the documents of the lanes, by id, as a majority has them."""
        return self._lane_documents.find(self._lanes, session)

    def move_lane(self, lane: ObjectId, part: LanePart, session: ClientSession) -> None:
        """Note a lane's part of the next round, in the transaction that writes it."""
        self._lane_documents.move(lane, self.round, part, session)

    def close_lanes(self) -> None:
        """Close the lanes, and save what they have written beyond the position.

        Raises Fenced, StateMissing or RolledBack; NoMajority if it is to be tried again.
        """
        state = self.confirm()
        if state["sequence"] == self.round and not state.get(LANES):
            self._done_then = Done.of(state)  # an attempt whose answer was lost did it
        else:
            with suppress(AlreadyLanded):
                self._save_closed()
        self._lanes = ()
        self.landed()

    def _save_closed(self) -> Document:
        """Close the lanes, save it, and return what was saved."""
        done = self._lane_documents.close(self._lanes, self.round)
        saved: Document = {LANES: [], DONE: done.to_document()}
        self._observer.reached(LaneStep.LANES_CLOSED)
        self._move(saved, None)
        return saved

    def _lag(self) -> Document:
        """Return the fields that tell the lag; none if they were written just now."""
        now = time.monotonic()
        if now - self._lag_told_at < LAG_SECONDS:
            return {}
        self._lag_told_at = now
        return {"lag_seconds": self._measure_lag(), "lag_at": "$$NOW"}

    def _raise_why_nothing_matched(self) -> NoReturn:
        if self.confirm()["sequence"] == self._held.sequence + 1:
            raise AlreadyLanded
        found = self._documents.with_options(read_concern=ReadConcern("local")).find_one(self._ours)
        if found is not None and found["sequence"] < self._held.sequence:
            raise RolledBack(
                f"the target has lost the end of what was applied: it holds batch"
                f" {found['sequence']}, and {self._held.sequence} was the last one"
            )
        raise NoMajority(f"{NO_MAJORITY} the last batch yet")

    def settle(self) -> None:
        """Wait until a majority has the last batch, and renew the lease.

        Raises RolledBack, Fenced, StateMissing or NoMajority if the document does not hold it.
        """
        last = {**self._ours, "sequence": self._held.sequence}
        try:
            if self._documents.update_one(last, [{"$set": self._renewed()}]).matched_count:
                return
        except WTimeoutError:  # it waited for itself, and the batch came before it
            if self.confirm()["sequence"] == self._held.sequence:
                return
        self._raise_why_nothing_matched()

    def confirm(self) -> Document:
        """Return the state if the stream is still ours; raises Fenced or StateMissing."""
        document = self.read()
        if document is None:
            raise StateMissing(
                remedy="it holds the position: restore it, or remove the target's collections"
                " and start anew",
            )
        owner = Owner.from_document(document.get("owner") or {})
        if (document["epoch"], owner.instance) != (self._held.epoch, self._owner.instance):
            raise Fenced(f"another daemon named {self._stream!r} has taken over: {owner}")
        return document

    def renew(self, session: ClientSession | None = None, concern: WriteConcern = MAJORITY) -> None:
        """Renew the lease from now on; raises Fenced or StateMissing if it is lost.

        `concern` says who must have it, if it is in no transaction. Never call it beside a batch:
        it would wait for the batch's transaction, which locks the document.
        """
        if not self._set_ours(self._renewed(), session, concern):
            self.confirm()
            raise NoMajority(f"{NO_MAJORITY} the last change of the stream's state yet")

    def _renewed(self) -> Document:
        return {**lease_of(self._lease_seconds), **self._lag()}

    def release(self, ended_by: Exception | None = None) -> None:
        """Release the lease, so a standby takes over at once; does nothing for another's lease.

        `ended_by` is kept until the next takeover.
        """
        ended = {} if ended_by is None else to_fields(ended_by, self._held.epoch)
        self._set_ours({"lease_until": None, **ended})

    def uncover(self, session: ClientSession | None = None) -> bool:
        """Forget which tables were copied, if the document is still ours; return whether it was.

        A held stream is held no longer: started again, it copies by backfills.
        """
        position = {"$ifNull": [f"${COPYING}.position", "$position"]}
        return self._set_ours({"covered": [], "position": position, COPYING: "$$REMOVE"}, session)

    def delete(self, session: ClientSession | None = None) -> bool:
        """Delete the document, if it is still ours; return whether it was."""
        return self._documents.delete_one(self._ours, session=session).deleted_count == 1

    @property
    def _ours(self) -> Document:
        """Match the document if it is still ours; one that was removed and made anew is not."""
        instance = self._owner.instance
        return {"_id": self._id, "epoch": self._held.epoch, "owner.instance": instance}

    def _set_ours(
        self,
        fields: Document,
        session: ClientSession | None = None,
        concern: WriteConcern = MAJORITY,
    ) -> bool:
        """Set fields of the document, if it is still ours; return whether it was."""
        documents = self._documents.with_options(write_concern=concern)
        result = documents.update_one(self._ours, [{"$set": fields}], session=session)
        return result.matched_count == 1

    @property
    def is_slow(self) -> bool:
        """Return whether a batch takes so long that the lease must be renewed for it alone."""
        return self._lease_seconds > self._ttl_seconds

    def note_duration(self, seconds: float) -> None:
        """Note the duration of a batch: the lease must outlive the next one.

        Otherwise two daemons would take the stream from each other for ever, with no progress.
        """
        self._lease_seconds = max(self._ttl_seconds, SLOW_BATCHES * seconds)

    def landed(self) -> None:
        """Count the batch of the last saved checkpoint as applied."""
        self._held = Held(self._held.epoch, self._held.sequence + 1)
        self.done = self._done_then


def _seconds(time: Any) -> float | None:
    """Return a time of the target, with or without its zone, in seconds since the epoch."""
    if not isinstance(time, datetime):
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
