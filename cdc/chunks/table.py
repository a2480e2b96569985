"""What jobs need of a table and of its documents, and one chunk of them: `MappedChunk`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from cdc.chunks.windows import Window
from cdc.model.dead_letter import Failure, Origin
from cdc.model.document_id import comparable
from cdc.model.message import Message
from cdc.model.operation import Operation
from cdc.model.position import Position
from cdc.writers.sharding import Paths

Changes = Sequence[tuple[str, Sequence[Operation], Origin]]
"""Operations by collection, and their origins."""

NO_FAILURES: Final[Mapping[str, Sequence[Failure]]] = {}


def told_nothing(_: Changes) -> Sequence[Message]:
    """Return no message."""
    return ()


class MappedChunk(NamedTuple):
    """Rows that were read, as documents: operations by collection.

    `failures` are the rows that cannot be mapped, by collection. `last` is the key of the last row,
    or the id of the last document, None if there is none; `finished`: none follows. `high` is the
    position that the stream must have passed before the rows are valid, None if nothing was read.
    For a lookup, `asked` are the ids that were looked up, `gone` those without a row, `searched`
    the number of documents that it covers. `told` returns what is published of the rows for which
    changes are applied, whether or not the stream has touched them.
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
    told: Callable[[Changes], Sequence[Message]] = told_nothing

    def alive(self, collection: str) -> set[object]:
        """Return the ids of the documents whose rows were found, as MongoDB compares them."""
        found = [each.id for each in self.documents[collection]]
        found += [each.id for each in self.failures.get(collection, ()) if each.id]
        return {comparable(each) for each in found}


class Collection(Protocol):
    """A collection of documents that the table's rows become."""

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
        """The origin of its documents."""
        ...

    @property
    def shard(self) -> Paths:
        """What names a document beside its `_id`; none where `_id` alone does."""
        ...

    @property
    def lone_field(self) -> str:
        """The only field of each `_id`; empty where they have several, or are no documents."""
        ...

    def is_gone(self, document: bytes) -> bool:
        """Return whether a document is marked as that of a deleted row."""
        ...

    def removed(self, identifier: bytes, document: bytes) -> Operation:
        """Return the operation of `on_delete` for a document whose row is gone."""
        ...


class Table(Protocol):
    """What jobs need of the source's table and of the mappings."""

    @property
    def rows(self) -> int:
        """The server's estimate of the number of rows."""
        ...

    @property
    def order(self) -> str:
        """The order of its rows: a cursor is valid in one order only."""
        ...

    @property
    def collections(self) -> Sequence[Collection]:
        """The collections that its rows go to."""
        ...

    def read(self, after: Any, window: Window) -> MappedChunk:
        """Return the rows behind the key `after`; None is the table's beginning."""
        ...

    def lookup(self, collection: Collection, ids: Sequence[bytes], window: Window) -> MappedChunk:
        """Return the rows of documents with these ids in the collection, or of the first ones."""
        ...

    def probe(self, collection: Collection, window: Window) -> None:
        """Check that rows are found by their documents' ids; raises UsageError."""
        ...


class Embedded(Protocol):
    """What documents embed of other collections, between two transactions."""

    def expected(self, collection: str, operations: Sequence[Operation]) -> list[Operation]:
        """Return the operations with what their documents must embed now."""
        ...

    def excused(
        self, collection: str, operations: Sequence[Operation], found: Mapping[object, bytes]
    ) -> list[Operation]:
        """Return them with the values that are owed as they are in the documents `found`."""
        ...


class _Nothing:
    def expected(self, collection: str, operations: Sequence[Operation]) -> list[Operation]:
        return [*operations]

    def excused(
        self, collection: str, operations: Sequence[Operation], found: Mapping[object, bytes]
    ) -> list[Operation]:
        return [*operations]


NOTHING_EMBEDDED: Final[Embedded] = _Nothing()


class Documents(Protocol):
    """The contents of the collections."""

    def is_empty(self, collection: str, *, within: Mapping[str, Any]) -> bool:
        """Return whether it holds no document; of `within` only a range of ids counts."""
        ...

    def ids(
        self, collection: str, *, after: bytes | None, limit: int, within: Mapping[str, Any]
    ) -> list[bytes]:
        """Return the ids that follow `after`, of documents `within`."""
        ...

    def fetch(self, collection: str, ids: Sequence[bytes]) -> dict[object, bytes]:
        """Return the documents of these ids that exist, by comparable id; one of each."""
        ...

    def copies(self, collection: str, ids: Sequence[bytes]) -> list[bytes]:
        """Return all documents of these ids."""
        ...
