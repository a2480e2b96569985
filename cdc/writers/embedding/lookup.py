"""Reads documents within the transaction that writes: what was there, and what was written.

Between two transactions it reads what the last one left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bson.max_key import MaxKey
from bson.raw_bson import RawBSONDocument
from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from cdc.model.document_id import comparable
from cdc.writers.collections import Collections
from cdc.writers.documents import BY_BYTES, RAW, bson_value, document_id, documents_in
from cdc.writers.embedding.bson_paths import among
from cdc.writers.embedding.bson_walk import Path
from cdc.writers.embedding.debts import Debt
from cdc.writers.embedding.edges import Children, Edge
from cdc.writers.embedding.links import Key, Values, link
from cdc.writers.sync_timestamps import NO_STAMPS, SyncTimestamps

KEYS_AT_ONCE: Final = 5_000
"""In one query, so that a batch has one an embed: each is two waits, beside the server's."""

COMPOUND_KEYS_AT_ONCE: Final = 1_000
"""In one query: the server plans each of them."""

MOST_QUERY_BYTES: Final = 8_000_000
"""Of the keys of a query, whose own limit is 16 MB."""

FIRST_BATCH: Final = KEYS_AT_ONCE + 1
"""Of an answer: one document a key and the server's 101 would be two questions."""

CHILDREN_AT_ONCE: Final = 20_000
"""In a batch of what is embedded, all of which is wanted: the server ends one at 16 MB."""

MAX_DOCUMENT_BYTES: Final = 16 * 1024 * 1024
"""The server's maxBsonObjectSize, which is the same in all versions."""

_IDS: Final[tuple[Path, ...]] = (("_id",),)

Document = dict[str, Any]
Keys = Mapping[Key, Values]


@dataclass(frozen=True, slots=True)
class Lookup:
    """The documents of a stream as a session's transaction sees them, or as they are now."""

    collections: Collections
    session: ClientSession | None = None
    stamps: SyncTimestamps = NO_STAMPS

    def by_id(self, collection: str, ids: Sequence[bytes]) -> dict[object, bytes]:
        """Return the documents of these ids that exist, by their ids as MongoDB compares them."""
        found: dict[object, bytes] = {}
        for part in _parts([(each,) for each in ids]):
            for raw in self._find(collection, _equal(_IDS, part)):
                found[comparable(document_id(raw))] = raw
        return found

    def room(self, collection: str) -> int:
        """Return the most bytes that a document may have before it is stamped."""
        return MAX_DOCUMENT_BYTES - len(self.stamps.element(collection))

    def children(self, edge: Edge, keys: Keys) -> dict[Key, Children]:
        """Return what an embed's link finds for each of the keys, in the embed's order."""
        found = {key: Children() for key in keys}
        most = self.room(edge.parent)
        # By the link too, though order counts among equal ones only: that is the index's order.
        sort = [*edge.child_index.items()]
        # Of one key the first ones are wanted, and there may be a million: each is asked alone.
        for part in _parts([*keys.values()], None if edge.limit is None else 1):
            query = _equal(edge.theirs, part)
            batches = self._batches(
                edge.child,
                query,
                edge.projection,
                sort=sort,
                limit=edge.limit or 0,
                batch_size=CHILDREN_AT_ONCE,
            )
            for key, element in (each for batch in batches for each in edge.linked(batch)):
                children = found.get(key)
                if children is not None and (edge.many or not children.count):
                    children.add(element, most)
        return found

    def parents(self, edge: Edge, keys: Keys) -> Iterator[bytes]:
        """Yield the documents that an embed's link leads to from the keys."""
        for part in _parts([*keys.values()]):
            for raw in self._find(edge.parent, _equal(edge.ours, part)):
                ours = link(raw, edge.ours)
                if ours is not None and ours[0] in keys:
                    yield raw

    def owed(self, debt: Debt, count: int) -> list[bytes]:
        """Return up to `count` documents that a debt concerns, behind its cursor, by their ids.

        Bounds are those of an index: `$gt` would pass over the ids of other types.
        """
        edge, after = debt.edge, debt.cursor
        names = [".".join(path) for path in edge.ours]
        query = {} if debt.values is None else dict(zip(names, debt.values, strict=True))
        index = {"_id": 1} if debt.values is None else edge.index
        bounds: Document = {"hint": [*index.items()]}
        if after is not None:
            bounds["min"] = {**query, "_id": bson_value(after)}
            if query:  # it would read on behind the key, to the index's end
                bounds["max"] = {**query, "_id": MaxKey()}
        raws = [*self._find(edge.parent, query, limit=count + 1, **bounds)]
        return [each for each in raws if document_id(each) != after][:count]

    def _collection(self, name: str) -> Collection[Any]:
        return self.collections.of(name, codec_options=RAW)

    def _find(self, collection: str, query: Document, **options: Any) -> Iterator[bytes]:
        """Yield documents without their stamps; `options` are those of pymongo's `find`."""
        batches = self._batches(collection, query, **options)
        return (raw for batch in batches for raw in documents_in(batch))

    def _batches(
        self,
        collection: str,
        query: Document,
        projection: Document | None = None,
        batch_size: int = FIRST_BATCH,
        **options: Any,
    ) -> Iterator[bytes]:
        """Return the batches of a query, each the bytes of its documents.

        An object for each document would cost more than all that is done with it.
        """
        return self._collection(collection).find_raw_batches(
            query,
            projection or self.stamps.hidden(collection),
            session=self.session,
            collation=BY_BYTES,
            batch_size=batch_size,
            **options,
        )


def _parts(keys: Sequence[Values], at_once: int | None = None) -> Iterator[Sequence[Values]]:
    """Yield the keys in parts for a query each, of so many at the most."""
    if at_once is None:
        at_once = COMPOUND_KEYS_AT_ONCE if keys and len(keys[0]) > 1 else KEYS_AT_ONCE
    start = size = 0
    for at, values in enumerate(keys):
        cost = sum(map(len, values))
        if at > start and (at - start >= at_once or size + cost > MOST_QUERY_BYTES):
            yield keys[start:at]
            start, size = at, 0
        size += cost
    if start < len(keys):
        yield keys[start:]


def _equal(paths: Sequence[Path], keys: Sequence[Values]) -> Document:
    """Return the filter of documents that have one of the keys there."""
    names = [".".join(path) for path in paths]
    if len(names) == 1:
        return {names[0]: RawBSONDocument(among([value for (value,) in keys]))}
    return {"$or": [dict(zip(names, map(bson_value, values), strict=True)) for values in keys]}
