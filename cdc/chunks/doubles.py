"""Finds doubles: documents that share their `_id` with a row's, at other places.

Only a sharded collection can have them. See docs/architecture.md, "Sharded collections".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from cdc.chunks.diff import Difference
from cdc.chunks.table import Collection, Documents
from cdc.model.document_id import comparable
from cdc.model.operation import Operation
from cdc.writers.documents import document_id
from cdc.writers.sharding import place_of
from cdc.writers.strays import elsewhere

NOTE: Final = "another document of the same `_id`, under other values of the shard key"


class Doubles:
    """Looks for doubles, and remembers those that are to be looked at again."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._pending: dict[str, dict[object, bytes]] = {}

    def beside(
        self, collection: Collection, operations: Sequence[Operation], writes: Sequence[Operation]
    ) -> list[Operation]:
        """Return the deletions of what stands at other places than `writes`, under their `_id`s.

        `operations` are all that were read: of those that the stream has touched since, nobody can
        tell here which document is right. If there are several, they are to be looked at again.
        """
        if not collection.shard:
            return []
        copies = self._documents.copies(collection.name, [each.id for each in operations])
        ids = [comparable(document_id(each)) for each in copies]
        untouched, count = {comparable(each.id) for each in writes}, Counter(ids)
        touched = (each.id for each in operations if comparable(each.id) not in untouched)
        self.look_again(collection, [each for each in touched if count[comparable(each)] > 1])
        known = [raw for key, raw in zip(ids, copies, strict=True) if key in untouched]
        return elsewhere(writes, known, collection.shard)

    def look_again(self, collection: Collection, ids: Iterable[bytes]) -> None:
        """Note documents of a collection that may have doubles."""
        if collection.shard:
            noted = self._pending.setdefault(collection.name, {})
            noted.update((comparable(each), each) for each in ids)

    def take_noted(self, collection: Collection) -> list[bytes]:
        """Return the ids that were noted, and forget them."""
        return [*self._pending.pop(collection.name, {}).values()]

    def split(
        self, collection: Collection, wanted: Sequence[Operation]
    ) -> tuple[Mapping[object, bytes], list[bytes]]:
        """Return the documents of rows, by comparable id, and their doubles."""
        ids = [each.id for each in wanted]
        if not collection.shard:
            return self._documents.fetch(collection.name, ids) if ids else {}, []
        places = {place_of(each.id, each.document, collection.shard) for each in wanted}
        own: dict[object, bytes] = {}
        others: list[bytes] = []
        for raw in self._documents.copies(collection.name, ids):
            identifier = document_id(raw)
            if place_of(identifier, raw, collection.shard) in places:
                own[comparable(identifier)] = raw
            else:
                others.append(raw)
        return own, others


def told(collection: str, identifier: bytes) -> Difference:
    """Return the finding that a document is a double."""
    return Difference(collection, "extra", identifier, note=NOTE)
