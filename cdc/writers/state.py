"""The stream's state document: checkpoint, sequence number, epoch and owner in one place.

    {_id: stream, sequence, epoch, owner: {host, pid, session}, position, inflight, server,
     committed_at, updated_at, created_at, mappings: {…}}

Each batch's first write moves it from sequence n to n + 1 on the condition that epoch and n are
still ours. That fences a daemon that was replaced, and it decides a commit whose answer was lost:
a repeated batch finds n + 1 and its own epoch, so it had landed.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

from bson import Binary
from pymongo import ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, OperationFailure
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from cdc.checkpoint import Checkpoint
from cdc.errors import Fenced, Retryable, StateMissing

STREAMS: Final = "streams"
MAJORITY: Final = WriteConcern("majority", j=True)
_NO_SUCH_SESSION: Final = frozenset({206})

Document = dict[str, Any]


class AlreadyLanded(Exception):
    """The batch was committed by an attempt whose answer was lost."""


@dataclass(frozen=True, slots=True)
class Held:
    """What this daemon holds: its epoch, and the sequence number of the last batch."""

    epoch: int
    sequence: int


class StreamState:
    """One stream's state document, in the state database of the target."""

    def __init__(self, database: Database[Document], stream: str) -> None:
        self._stream = stream
        self._admin = database.client.admin
        self._documents: Collection[Document] = database.get_collection(
            STREAMS, read_concern=ReadConcern("majority"), write_concern=MAJORITY
        )
        self._held = Held(0, 0)

    def __repr__(self) -> str:
        held = self._held
        return f"<StreamState {self._stream!r} epoch={held.epoch} sequence={held.sequence}>"

    def read(self) -> Document | None:
        """Return the document as a majority has it, or None."""
        return self._documents.find_one({"_id": self._stream})

    def create(self, checkpoint: Checkpoint, mappings: Mapping[str, str]) -> None:
        """Write the first state of a new stream, unless an attempt before this one did."""
        document = {
            "_id": self._stream,
            "sequence": 0,
            "epoch": 0,
            "owner": None,
            **checkpoint.to_document(),
            "committed_at": None,
            "created_at": datetime.now(UTC),
            "mappings": dict(mappings),
        }
        with suppress(DuplicateKeyError):
            self._documents.insert_one(document)

    def take_over(self, session: ClientSession) -> Checkpoint | None:
        """Become the stream's owner; return its checkpoint, or None where there is no state.

        The former owner can write no more from then on. A transaction that it left open would
        hold the document for a minute, so its session is ended first.
        """
        document = self.read()
        if document is None:
            return None
        self._end_session(document.get("owner") or {})
        owner = {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "session": session.session_id["id"],
        }
        taken = self._documents.find_one_and_update(
            {"_id": self._stream},
            [{"$set": {"epoch": {"$add": ["$epoch", 1]}, "owner": owner, "updated_at": "$$NOW"}}],
            return_document=ReturnDocument.AFTER,
        )
        if taken is None:
            raise StateMissing
        self._held = Held(int(taken["epoch"]), int(taken["sequence"]))
        return Checkpoint.from_document(taken)

    def _end_session(self, owner: Mapping[str, Any]) -> None:
        session = owner.get("session")
        if isinstance(session, Binary | bytes):
            try:
                self._admin.command({"killSessions": [{"id": Binary(session, 4)}]})
            except OperationFailure as error:
                if error.code not in _NO_SUCH_SESSION:
                    raise

    def advance(
        self, checkpoint: Checkpoint, committed_at: float | None, session: ClientSession | None
    ) -> None:
        """Save a checkpoint, on the condition that the stream is ours and stands where we left it.

        Raises AlreadyLanded, Fenced, StateMissing or Retryable otherwise.
        """
        held = self._held
        saved = {
            **checkpoint.to_document(),
            "sequence": held.sequence + 1,
        }
        if committed_at is not None:
            saved["committed_at"] = datetime.fromtimestamp(committed_at, UTC)
        literal = {key: {"$literal": value} for key, value in saved.items()}
        result = self._documents.update_one(
            {"_id": self._stream, "epoch": held.epoch, "sequence": held.sequence},
            [{"$set": {**literal, "updated_at": "$$NOW"}}],
            session=session,
        )
        if result.matched_count == 0:
            self._explain()

    def _explain(self) -> NoReturn:
        if self.confirm()["sequence"] == self._held.sequence + 1:
            raise AlreadyLanded
        raise Retryable("the fate of an earlier attempt is not known to a majority yet")

    def confirm(self) -> Document:
        """Return the state if the stream is still ours; raises Fenced or StateMissing."""
        document = self.read()
        if document is None:
            raise StateMissing(
                remedy="it holds the position: restore it, or remove the target's collections"
                " and start anew",
            )
        if document["epoch"] != self._held.epoch:
            owner = document.get("owner") or {}
            raise Fenced(
                f"another daemon named {self._stream!r} has taken over: process"
                f" {owner.get('pid')} on {owner.get('host')}",
                remedy="run one daemon of a name, or give this one another `name`",
            )
        return document

    def landed(self) -> None:
        """Count the batch whose checkpoint was saved last as applied."""
        self._held = Held(self._held.epoch, self._held.sequence + 1)
