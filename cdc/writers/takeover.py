"""Takes a stream over: one write to its state document, which increments the epoch.

What becomes of one whose answer is lost, or whose wait for a majority runs out, stands in
docs/architecture.md, "One active daemon".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NoReturn

from bson import Binary
from pymongo import MongoClient, ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.errors import ExecutionTimeout, OperationFailure
from pymongo.read_concern import ReadConcern

from cdc.errors import LeaseHeld, NoMajority
from cdc.model.last_end import ENDED_BY
from cdc.model.lease import LeaseWatch, Owner
from cdc.writers.errors import NO_MAJORITY

BLOCKED_SECONDS: Final = 5.0
"""The limit of a takeover's wait for an open transaction of an owner whose lease has expired.

It may be a slow batch, whose commit renews the lease; after that it counts as dead or frozen.
"""

TAKEN_WITHIN_SECONDS: Final = 30.0

_NO_SUCH_SESSION: Final = frozenset({206})

Document = dict[str, Any]


class Takeover:
    """One process's takeovers of one stream, or of one range of a held one."""

    def __init__(
        self,
        documents: Collection[Document],
        identity: str,
        stream: str,
        owner: Owner,
        *,
        lease_seconds: float,
        watch: LeaseWatch | None = None,
    ) -> None:
        """`documents` are read and written at a majority; `owner` is this process.

        `watch` judges the leases of others; by default by what this object sees alone.
        """
        self._documents = documents
        self._client = documents.database.client
        self._id = identity
        self._stream = stream
        self._owner = owner
        self._lease_seconds = lease_seconds
        self._watch = watch or LeaseWatch()
        self._tried_epoch: int | None = None

    def make(self, seen: Document, session: ClientSession, *, force: bool) -> Document:
        """Become the owner of the state that a majority has just shown; return it as it is then.

        Raises LeaseHeld if another process holds a live lease, unless `force`. If its lease has
        expired, its open transaction may be a slow batch: that is waited for a little, then ended.
        Raises NoMajority while no majority has a takeover of which the answer was lost, or the wait
        ran out: made again in the same session, it is taken up.
        """
        if self._is_ours(seen, session):
            return self._taken(seen)
        owner = Owner.from_document(seen.get("owner") or {})
        holding = self._watch.holder(seen)
        if holding is not None and holding.instance != self._owner.instance and not force:
            raise self._lease_held_error(holding)
        if force or owner.is_gone():
            self._end_session(seen)
        try:
            taken = self._take(seen, session, force=force, within_seconds=BLOCKED_SECONDS)
        except ExecutionTimeout:
            self._end_session(seen)
            taken = self._take(seen, session, force=force, within_seconds=TAKEN_WITHIN_SECONDS)
        if taken is None:
            self._raise_why_not_taken()
        return self._taken(taken)

    def _is_ours(self, seen: Document, session: ClientSession) -> bool:
        """Return whether a majority has the takeover of which we have had no answer.

        Nothing was written under its epoch since: the document is what the answer would have held.
        """
        owner = seen.get("owner") or {}
        return (
            seen["epoch"] == self._tried_epoch
            and owner.get("instance") == self._owner.instance
            and owner.get("session") == session.session_id["id"]
        )

    def _taken(self, document: Document) -> Document:
        self._tried_epoch = None
        return document

    def _take(
        self, seen: Document, session: ClientSession, *, force: bool, within_seconds: float
    ) -> Document | None:
        """Increment the epoch, unless the owner that was seen has renewed its lease since.

        With `force` it may have: while it catches up it does so many times a second.
        """
        expired = {} if force else {"lease_until": seen.get("lease_until")}
        owner = {**self._owner.to_document(), "session": session.session_id["id"]}
        self._tried_epoch = int(seen["epoch"]) + 1
        return self._documents.find_one_and_update(
            {"_id": self._id, "epoch": seen["epoch"], **expired},
            [
                {
                    "$set": {
                        "epoch": {"$add": ["$epoch", 1]},
                        "owner": {"$literal": owner},
                        **lease_of(self._lease_seconds),
                        "updated_at": "$$NOW",
                        "lag_seconds": None,
                        "lag_at": None,
                        ENDED_BY: "$$REMOVE",
                    }
                }
            ],
            return_document=ReturnDocument.AFTER,
            maxTimeMS=int(within_seconds * 1000),
        )

    def _end_session(self, document: Document) -> None:
        """Abort the owner's open transactions: they would lock the document for a minute."""
        end_sessions(self._client, [(document.get("owner") or {}).get("session")])

    def _raise_why_not_taken(self) -> NoReturn:
        """Raise LeaseHeld if the primary shows another's live lease: it was faster, or is slow.

        So is one that was renewed since the look, by a batch that has outlasted it.

        Otherwise NoMajority: none has yet what has changed since the look. It may be our own
        takeover.
        """
        local = self._documents.with_options(read_concern=ReadConcern("local"))
        holding = self._watch.holder(with_clock(local, self._id) or {})
        if holding is None or holding.instance == self._owner.instance:
            raise NoMajority(f"{NO_MAJORITY} the last takeover of the stream yet")
        raise self._lease_held_error(holding)

    def _lease_held_error(self, owner: Owner) -> LeaseHeld:
        return LeaseHeld(
            f"another daemon named {self._stream!r} is active: {owner}",
            remedy="stop it first, or give this one another `name`",
        )


def end_sessions(client: MongoClient[Document], sessions: Iterable[Any]) -> None:
    """Abort the open transactions of sessions, by their ids."""
    known = [{"id": Binary(each, 4)} for each in sessions if isinstance(each, Binary | bytes)]
    if not known:
        return
    try:
        client.admin.command({"killSessions": known})
    except OperationFailure as error:
        if error.code not in _NO_SUCH_SESSION:
            raise


def with_clock(documents: Collection[Document], identity: str) -> Document | None:
    """Return a state document with the target's clock as `now`; None if there is none."""
    pipeline = [{"$match": {"_id": identity}}, {"$set": {"now": "$$NOW"}}]
    return next(iter(documents.aggregate(pipeline)), None)


def lease_of(seconds: float) -> Document:
    """Return the fields of a lease that lasts so many seconds from now, by the target's clock."""
    return {
        "lease_until": {"$add": ["$$NOW", int(seconds * 1000)]},
        "lease_seconds": float(seconds),
    }
