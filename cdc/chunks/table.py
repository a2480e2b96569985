"""A table of the source, read in chunks and mapped into the documents that its rows become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from cdc.chunks.windows import Window
from cdc.model.batch import comparable
from cdc.model.dead_letter import Failure, Origin
from cdc.model.operation import Operation
from cdc.model.position import Position

NO_FAILURES: Final[Mapping[str, Sequence[Failure]]] = {}


class Part(NamedTuple):
    """Rows that were read, as documents: operations by collection.

    `failures` are the rows that cannot be carried over, by collection. `last` is the key of the
    last row, or the id of the last document, None where there is none; `finished` tells whether
    none follows. `high` is the position that the stream must have passed before the rows mean
    anything, None where nothing was read. Of a look-up `asked` are the ids whose rows were looked
    up, `gone` those of them that no row was found for, `searched` the documents that it covers.
    """

    documents: Mapping[str, Sequence[Operation]]
    rows: int
    last: Any
    finished: bool
    high: Position | None
    failures: Mapping[str, Sequence[Failure]] = NO_FAILURES
    asked: Sequence[bytes] = ()
    gone: Sequence[bytes] = ()
    searched: int = 0

    def alive(self, collection: str) -> set[object]:
        """Return the ids of the documents whose rows were found, as MongoDB compares them."""
        found = [each.id for each in self.documents[collection]]
        found += [each.id for each in self.failures.get(collection, ()) if each.id]
        return {comparable(each) for each in found}


class Collection(Protocol):
    """A collection that the table's rows become documents of."""

    @property
    def name(self) -> str:
        """The collection's name."""
        ...

    @property
    def own(self) -> Mapping[str, Any]:
        """The filter of the documents that can only come from this table."""
        ...

    @property
    def origin(self) -> Origin:
        """Where its documents come from."""
        ...

    def is_gone(self, document: bytes) -> bool:
        """Tell whether a document is marked as that of a deleted row."""
        ...

    def removed(self, identifier: bytes, document: bytes) -> Operation:
        """Return what `on_delete` asks for where a document's row is gone."""
        ...


class Table(Protocol):
    """What the work on a table needs of the source and of the mappings."""

    @property
    def rows(self) -> int:
        """The server's estimate of how many rows there are."""
        ...

    @property
    def order(self) -> str:
        """What puts its rows in order: a cursor means nothing in another one."""
        ...

    @property
    def collections(self) -> Sequence[Collection]:
        """Where its rows go."""
        ...

    def read(self, after: Any, window: Window) -> Part:
        """Return the rows behind the key `after`, from the table's beginning for None."""
        ...

    def lookup(self, collection: Collection, ids: Sequence[bytes], window: Window) -> Part:
        """Return the rows that have documents of these ids in the collection, or of the first."""
        ...

    def probe(self, collection: Collection, window: Window) -> None:
        """Make sure that rows are found by their documents' ids; raises UsageError."""
        ...


class Documents(Protocol):
    """What a collection holds."""

    def is_empty(self, collection: str) -> bool:
        """Tell whether there is no document in it."""
        ...

    def ids(
        self, collection: str, *, after: bytes | None, limit: int, within: Mapping[str, Any]
    ) -> list[bytes]:
        """Return the ids that follow `after`, of documents `within`."""
        ...

    def fetch(self, collection: str, ids: Sequence[bytes]) -> dict[object, bytes]:
        """Return the documents of these ids that exist, by comparable id."""
        ...
