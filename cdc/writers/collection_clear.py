"""Removes a mapping's documents, in pieces that only the stream's owner can commit.

Each piece is a MongoDB transaction that moves the state's sequence and leaves the checkpoint before
the statement that caused it. After a crash it begins again with what is left.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any, Final, Protocol, TypeVar

import structlog
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference

from cdc.errors import WriteRefused
from cdc.model.batch import query
from cdc.model.operation import Operation, OperationKind
from cdc.model.state_change import CollectionClear
from cdc.retry import Stopped
from cdc.writers.commands import Command
from cdc.writers.documents import BY_BYTES
from cdc.writers.errors import Refused, check_reply
from cdc.writers.observer import UNOBSERVED, WriteObserver, WriteStep
from cdc.writers.stream_state import MAJORITY, AlreadyLanded, Document, StreamState
from cdc.writers.sync_timestamps import NO_STAMPS, SyncTimestamps
from cdc.writers.transaction import committed

T = TypeVar("T")

log = structlog.get_logger(__name__)

PIECE: Final = 2_000
"""The documents of a transaction: far below the server's cache limit, and soon committed."""

_RAW: Final = CodecOptions(document_class=RawBSONDocument)
_VALUE_AT: Final = 9
"""The offset of the value in `{_id: …}`: behind the size, the type and the name."""


class Persist(Protocol):
    """Repeats an attempt that fails for a passing reason."""

    def __call__(self, attempt: Callable[[], T]) -> T:
        """Return the result of `attempt` once it succeeds."""
        ...


class CollectionClearing:
    """Applies each `CollectionClear` to the target."""

    def __init__(
        self,
        database: Database[Document],
        state: StreamState,
        *,
        persist: Persist,
        stopping: threading.Event,
        stamps: SyncTimestamps = NO_STAMPS,
        observer: WriteObserver = UNOBSERVED,
    ) -> None:
        """`persist` repeats what fails for a passing reason; marked documents are stamped too."""
        self._database = database
        self._state = state
        self._persist = persist
        self._stopping = stopping
        self._observer = observer
        self._stamps = stamps

    def carry_out(self, clear: CollectionClear, session: ClientSession | None) -> None:
        """Remove or mark every document of the action.

        Without `session`, on a target without transactions, pieces are not fenced as tightly.
        Raises WriteRefused if a document cannot be marked, Stopped between two pieces, and the
        action's own refusal if there is a document.
        """
        found = _Found(self._database, clear)
        if clear.refusal is not None:
            if self._persist(found.next_piece):
                raise clear.refusal
            return
        taken = 0
        while ids := self._persist(found.next_piece):
            self._persist(partial(self._piece, clear, ids, session))
            if session is not None:
                self._state.landed()
            taken += len(ids)
            self._observer.reached(WriteStep.AFTER_PIECE)
            if self._stopping.is_set():
                raise Stopped
        log.info(
            "collection_cleared",
            collection=clear.collection,
            marked=bool(clear.marks),
            documents=taken,
        )

    def _piece(
        self, clear: CollectionClear, ids: list[bytes], session: ClientSession | None
    ) -> None:
        command = Command(
            clear.collection,
            OperationKind.DELETE,
            [Operation(OperationKind.DELETE, each) for each in ids],
        )
        marks = {**clear.marks, **self._stamps.marks(clear.collection)}
        body = _marking(command, marks) if clear.marks else command.body()
        try:
            self._send(command, body, session)
        except Refused as error:
            raise WriteRefused(
                f"the target refuses to mark a document of {error.collection}: {error.why}",
                remedy="change the collection's validator or index, then start again",
            ) from error

    def _send(self, command: Command, body: Document, session: ClientSession | None) -> None:
        if session is None:
            self._state.renew()
            reply = self._database.command(body, writeConcern=MAJORITY.document)
            check_reply(command, reply)
            return
        with suppress(AlreadyLanded), committed(session):
            self._state.step(session)
            check_reply(command, self._database.command(body, session=session))
            self._observer.reached(WriteStep.IN_PIECE)


def _marking(command: Command, marks: Mapping[str, Any]) -> Document:
    return {
        "update": command.collection,
        "updates": [
            {
                "q": RawBSONDocument(query(each.id)),
                "u": {"$set": dict(marks)},
                "collation": BY_BYTES.document,
            }
            for each in command.operations
        ],
        "ordered": True,
    }


class _Found:
    """The ids of the remaining documents, by one cursor and then by a fresh query.

    It reads from the primary: that has all that a majority acknowledged to us, even just after an
    election, when a majority read may still be behind.
    """

    def __init__(self, database: Database[Document], clear: CollectionClear) -> None:
        self._collection = database.get_collection(
            clear.collection,
            codec_options=_RAW,
            read_concern=ReadConcern("local"),
            read_preference=ReadPreference.PRIMARY,
        )
        self._wanted = clear.wanted
        self._documents: Iterator[Any] | None = None

    def next_piece(self) -> list[bytes]:
        """Return up to `PIECE` ids; none once a fresh query finds nothing."""
        documents, self._documents = self._documents, None
        ids = _ids(documents) if documents is not None else []
        if not ids:
            documents = self._look()
            ids = _ids(documents)
        self._documents = documents
        return ids

    def _look(self) -> Iterator[Any]:
        found = self._collection.find(self._wanted, {"_id": 1}, batch_size=PIECE)
        return iter(found.collation(BY_BYTES))


def _ids(documents: Iterator[Any]) -> list[bytes]:
    raws = (bytes(document.raw) for document in islice(documents, PIECE))
    return [raw[4:5] + raw[_VALUE_AT:-1] for raw in raws]
