"""Removes a mapping's documents, in pieces that only the stream's owner can commit.

Each piece is a MongoDB transaction that moves the state's sequence and leaves the checkpoint before
the statement that caused it. Documents that embed what it removes or marks are written with it.
After a crash it begins again with what is left.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, Final, Protocol

import structlog
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference

from cdc.errors import WriteRefused
from cdc.model.operation import Operation, OperationKind
from cdc.model.state_change import CollectionClear
from cdc.retry import Stopped
from cdc.writers.collections import Collections
from cdc.writers.commands import Command, Marking
from cdc.writers.documents import BY_BYTES, RAW, document_id
from cdc.writers.embedding.terms import Terms
from cdc.writers.errors import Refused
from cdc.writers.observer import UNOBSERVED, WriteObserver, WriteStep
from cdc.writers.pieces import Pieces, RetryUntilDone

log = structlog.get_logger(__name__)

PIECE: Final = 2_000
"""The documents of a transaction: far below the server's cache limit, and soon committed."""


class ClearPiece(Protocol):
    """Makes one attempt at a piece."""

    def __call__(self, clear: CollectionClear, ids: Sequence[bytes], terms: Terms) -> None:
        """Remove or mark these documents on these terms."""
        ...


class CollectionClearing:
    """Applies each `CollectionClear` to the target."""

    def __init__(
        self,
        collections: Collections,
        clear_piece: ClearPiece,
        *,
        persist: RetryUntilDone,
        renew: Callable[[], None],
        stopping: threading.Event,
        observer: WriteObserver = UNOBSERVED,
    ) -> None:
        """`persist` repeats what fails for a passing reason; `renew` renews the lease, if due."""
        self._collections = collections
        self._clear_piece = clear_piece
        self._persist = persist
        self._pieces = Pieces(PIECE, persist, renew)
        self._stopping = stopping
        self._observer = observer

    def carry_out(self, clear: CollectionClear) -> None:
        """Remove or mark every document of the action.

        Raises WriteRefused if a document cannot be marked, Stopped between two pieces, what
        `Pieces.send` does, and the action's own refusal if there is a document.
        """
        found = _Found(self._collections, clear)
        ids = self._persist(found.next_piece)
        if clear.refusal is not None:
            if ids:
                raise clear.refusal
            return
        taken = 0
        while ids:
            done = self._pieces.send(partial(self._attempt, clear, ids), len(ids))
            taken += done
            self._observer.reached(WriteStep.AFTER_PIECE)
            if self._stopping.is_set():
                raise Stopped
            ids = ids[done:] or self._persist(found.next_piece)
        log.info(
            "collection_cleared",
            collection=clear.collection,
            marked=bool(clear.marks),
            documents=taken,
        )

    def _attempt(self, clear: CollectionClear, ids: list[bytes], terms: Terms, count: int) -> int:
        """Clear the first `count` ids; return their number."""
        try:
            self._clear_piece(clear, ids[:count], terms)
        except Refused as error:
            if error.collection != clear.collection:
                raise
            raise WriteRefused(
                f"the target refuses to mark a document of {error.collection}: {error.why}",
                remedy="change the collection's validator or index, then start again",
            ) from error
        return count


def clearing(clear: CollectionClear, ids: Sequence[bytes]) -> Command:
    """Return the command that removes or marks these documents."""
    operations = [Operation(OperationKind.DELETE, each) for each in ids]
    if clear.marks:
        return Marking(clear.collection, OperationKind.REPLACE, operations, clear.marks)
    return Command(clear.collection, OperationKind.DELETE, operations)


class _Found:
    """The ids of the remaining documents, by one cursor and then by a fresh query.

    It reads from the primary: that has all that a majority acknowledged to us, even just after an
    election, when a majority read may still be behind.
    """

    def __init__(self, collections: Collections, clear: CollectionClear) -> None:
        self._collection = collections.of(
            clear.collection,
            codec_options=RAW,
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
    return [document_id(bytes(document.raw)) for document in islice(documents, PIECE)]
