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

from cdc.model.batch import comparable
from cdc.writers.collections import Collections
from cdc.writers.documents import BY_BYTES, RAW, bson_value, document_id
from cdc.writers.embedding.bson_paths import among
from cdc.writers.embedding.bson_walk import Path
from cdc.writers.embedding.debts import Debt
from cdc.writers.embedding.edges import Children, Edge
from cdc.writers.embedding.links import Key, Values, link
from cdc.writers.sync_timestamps import NO_STAMPS, SyncTimestamps

KEYS_AT_ONCE: Final = 1_000
"""In one query: its own limit is 16 MB, and an index is asked once a key."""

FIRST_BATCH: Final = KEYS_AT_ONCE + 1
"""Of an answer: one document a key and the server's 101 would be two questions."""

MAX_DOCUMENT_BYTES: Final = 16 * 1024 * 1024
"""The server's maxBsonObjectSize, which is the same in all versions."""

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
        for part in _parts(ids):
            query = {"_id": RawBSONDocument(among(part))}
            for raw in self._find(collection, query):
                found[comparable(document_id(raw))] = raw
        return found

    def room(self, collection: str) -> int:
        """Return the most bytes that a document may have before it is stamped."""
        return MAX_DOCUMENT_BYTES - len(self.stamps.element(collection))

    def children(self, edge: Edge, keys: Keys) -> dict[Key, Children]:
        """Return what an embed's link finds for each of the keys, in the embed's order."""
        found = {key: Children() for key in keys}
        most = self.room(edge.parent)
        sort = [(".".join(path), 1) for path in edge.order if path != ("_id",)] + [("_id", 1)]
        # Of one key the first ones are wanted, and there may be a million: each is asked alone.
        at_once = KEYS_AT_ONCE if edge.limit is None else 1
        for part in _parts([*keys.values()], at_once):
            query = _equal(edge.theirs, part)
            children_of = self._find(
                edge.child, query, edge.projection, sort=sort, limit=edge.limit or 0
            )
            for raw in children_of:
                linked = link(raw, edge.theirs)
                children = None if linked is None else found.get(linked[0])
                if children is not None and (edge.many or not children.count):
                    children.add(edge.element(raw), most)
        return found

    def parents(self, edge: Edge, keys: Keys) -> Iterator[bytes]:
        """Yield the documents that an embed's link leads to from the keys."""
        for part in _parts([*keys.values()]):
            for raw in self._find(edge.parent, _equal(edge.ours, part)):
                linked = link(raw, edge.ours)
                if linked is not None and linked[0] in keys:
                    yield raw

    def owed(self, debt: Debt, count: int) -> list[bytes]:
        """Return up to `count` documents that a debt concerns, behind its cursor, by their ids.

        Bounds are those of an index: `$gt` would pass over the ids of other types.
        """
        edge, after = debt.edge, debt.cursor
        names = [".".join(path) for path in edge.ours]
        query = {} if debt.values is None else dict(zip(names, debt.values, strict=True))
        index = {"_id": 1} if debt.values is None else edge.index
        found = self._collection(edge.parent).find(
            query, self.stamps.hidden(edge.parent), session=self.session, limit=count + 1
        )
        found = found.hint([*index.items()]).collation(BY_BYTES).batch_size(FIRST_BATCH)
        if after is not None:
            found = found.min([*{**query, "_id": bson_value(after)}.items()])
            if query:  # it would read on behind the key, to the index's end
                found = found.max([*{**query, "_id": MaxKey()}.items()])
        raws = [bytes(each.raw) for each in found]
        return [each for each in raws if document_id(each) != after][:count]

    def _collection(self, name: str) -> Collection[Any]:
        return self.collections.of(name, codec_options=RAW)

    def _find(
        self,
        collection: str,
        query: Document,
        projection: Document | None = None,
        sort: Sequence[tuple[str, int]] = (),
        limit: int = 0,
    ) -> Iterator[bytes]:
        cursor = (
            self._collection(collection)
            .find(
                query,
                projection or self.stamps.hidden(collection),
                session=self.session,
                limit=limit,
            )
            .collation(BY_BYTES)
            .batch_size(FIRST_BATCH)
        )
        return (bytes(each.raw) for each in (cursor.sort(sort) if sort else cursor))


def _parts(whole: Sequence[Any], size: int = KEYS_AT_ONCE) -> Iterator[Sequence[Any]]:
    return (whole[at : at + size] for at in range(0, len(whole), size))


def _equal(paths: Sequence[Path], keys: Sequence[Values]) -> Document:
    """Return the filter of documents that have one of the keys there."""
    names = [".".join(path) for path in paths]
    if len(names) == 1:
        return {names[0]: RawBSONDocument(among([value for (value,) in keys]))}
    return {"$or": [dict(zip(names, map(bson_value, values), strict=True)) for values in keys]}
