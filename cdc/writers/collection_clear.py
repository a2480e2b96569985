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
from cdc.writers.sharding import NOT_SHARDED, Paths, Sharding
from cdc.writers.strays import deletion_of

log = structlog.get_logger(__name__)

PIECE: Final = 2_000
"""The documents of a transaction: far below the server's cache limit, and soon committed."""


class ClearPiece(Protocol):
    """Makes one attempt at a piece."""

    def __call__(self, clear: CollectionClear, found: Sequence[Operation], terms: Terms) -> None:
        """Remove or mark the documents of these deletions on these terms."""
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
        sharding: Sharding = NOT_SHARDED,
    ) -> None:
        """`persist` repeats what fails for a passing reason; `renew` renews the lease, if due.

        `sharding` says what names a document.
        """
        self._collections = collections
        self._clear_piece = clear_piece
        self._persist = persist
        self._pieces = Pieces(PIECE, persist, renew)
        self._stopping = stopping
        self._observer = observer
        self._sharding = sharding

    def carry_out(self, clear: CollectionClear) -> None:
        """Remove or mark every document of the action.

        Raises WriteRefused if a document cannot be marked, Stopped between two pieces, what
        `Pieces.send` does, and the action's own refusal if there is a document.
        """
        found = _Found(self._collections, clear, self._sharding)
        piece = self._persist(found.next_piece)
        if clear.refusal is not None:
            if piece:
                raise clear.refusal
            return
        taken = 0
        while piece:
            done = self._pieces.send(partial(self._attempt, clear, piece), len(piece))
            taken += done
            self._observer.reached(WriteStep.AFTER_PIECE)
            if self._stopping.is_set():
                raise Stopped
            piece = piece[done:] or self._persist(found.next_piece)
        log.info(
            "collection_cleared",
            collection=clear.collection,
            marked=bool(clear.marks),
            documents=taken,
        )

    def _attempt(
        self, clear: CollectionClear, piece: list[Operation], terms: Terms, count: int
    ) -> int:
        """Clear the first `count` documents; return their number."""
        try:
            self._clear_piece(clear, piece[:count], terms)
        except Refused as error:
            if error.collection != clear.collection:
                raise
            raise WriteRefused(
                f"the target refuses to mark a document of {error.collection}: {error.why}",
                remedy="change the collection's validator or index, then start again",
            ) from error
        return count


def clearing(clear: CollectionClear, found: Sequence[Operation], shard: Paths = ()) -> Command:
    """Return the command that removes or marks the documents of these deletions."""
    if clear.marks:
        return Marking(clear.collection, OperationKind.REPLACE, found, clear.marks, shard=shard)
    return Command(clear.collection, OperationKind.DELETE, found, shard=shard)


class _Found:
    """The deletions of the remaining documents, by one cursor and then by a fresh query.

    It reads from the primary: that has all that a majority acknowledged to us, even just after an
    election, when a majority read may still be behind.
    """

    def __init__(
        self, collections: Collections, clear: CollectionClear, sharding: Sharding
    ) -> None:
        self._collection = collections.of(
            clear.collection,
            codec_options=RAW,
            read_concern=ReadConcern("local"),
            read_preference=ReadPreference.PRIMARY,
        )
        self._wanted = clear.wanted
        paths = sharding.of_collection(clear.collection)
        self._fields = {"_id": 1} | {".".join(path): 1 for path in paths}
        self._deletion = deletion_of if paths else _deletion_by_id
        self._documents: Iterator[Any] | None = None

    def next_piece(self) -> list[Operation]:
        """Return up to `PIECE` deletions; none once a fresh query finds nothing."""
        documents, self._documents = self._documents, None
        piece = self._taken(documents) if documents is not None else []
        if not piece:
            documents = self._look()
            piece = self._taken(documents)
        self._documents = documents
        return piece

    def _taken(self, documents: Iterator[Any]) -> list[Operation]:
        return [self._deletion(bytes(each.raw)) for each in islice(documents, PIECE)]

    def _look(self) -> Iterator[Any]:
        found = self._collection.find(self._wanted, self._fields, batch_size=PIECE)
        return iter(found.collation(BY_BYTES))


def _deletion_by_id(document: bytes) -> Operation:
    return Operation(OperationKind.DELETE, document_id(document))
