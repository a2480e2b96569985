"""What documents embed and is of an earlier checkpoint: owed, and paid between batches.

A debt is saved by the transaction that changes what is embedded. Its pieces derive what the
collections hold when they are paid, so that many changes of one document are few passes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pymongo import UpdateOne
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.cursor import Cursor
from pymongo.database import Database

from cdc.model.document_id import comparable
from cdc.writers.documents import RAW, bson_value, elements
from cdc.writers.embedding.bson_paths import NULL, value_at
from cdc.writers.embedding.edges import Edge
from cdc.writers.embedding.links import Key, Values

Document = dict[str, Any]

DEBTS: Final = "debts"

MOST_KEYS: Final = 1_000
"""An embed that owes more keys at once owes all of its documents: one debt."""


Owed = tuple[str, str]
"""An embed: its collection and its path."""


def owed_in(debts: Collection[Document], stream: str) -> list[Document]:
    """Return of each embed that owes: its collection and path, how many debts, since when."""
    found = debts.aggregate(
        [
            {"$match": {"_id.stream": stream}},
            {
                "$group": {
                    "_id": "$_id.embed",
                    "collection": {"$first": "$collection"},
                    "path": {"$first": "$path"},
                    "debts": {"$sum": 1},
                    "since": {"$min": "$since"},
                }
            },
            {"$sort": {"since": 1}},
            {"$unset": "_id"},
        ]
    )
    return [*found]


@dataclass(frozen=True, slots=True)
class Debt:
    """Documents of `edge.parent` that are not derived yet: those linked by `values`, all for None.

    `cursor` is the id of the last one that was paid, as in `Operation`; None before the first.
    """

    id: Document
    edge: Edge
    values: list[Any] | None
    cursor: bytes | None
    again: bool


class Debts:
    """The debts of one stream, in its state database."""

    def __init__(self, states: Database[Document], stream: str, edges: Mapping[str, Edge]) -> None:
        """`edges` are the embeds by their names."""
        self._documents = states[DEBTS]
        self._stream = stream
        self._edges = edges
        self.owing = True
        """Whether something may be owed; what an aborted transaction owed is not."""

    def owe(self, edge: Edge, keys: Mapping[Key, Values], session: ClientSession | None) -> None:
        """Save what an embed owes; one that is being paid is paid again from its beginning."""
        if len(keys) > MOST_KEYS:
            debts: list[list[Any] | None] = [None]
        else:
            debts = [[bson_value(each) for each in values] for values in keys.values()]
        self.owing = True
        self._documents.bulk_write([self._owed(edge, each) for each in debts], session=session)

    def _owed(self, edge: Edge, values: list[Any] | None) -> UpdateOne:
        begun = {"$ne": [{"$ifNull": ["$cursor", None]}, None]}
        change = {
            "collection": {"$literal": edge.parent},
            "path": {"$literal": ".".join(edge.path)},
            "again": begun,
            "cursor": {"$ifNull": ["$cursor", None]},
            "since": {"$ifNull": ["$since", datetime.now(UTC)]},
        }
        return UpdateOne({"_id": self._identity(edge, values)}, [{"$set": change}], upsert=True)

    def _identity(self, edge: Edge, values: list[Any] | None) -> Document:
        return {"stream": self._stream, "embed": edge.name, "key": values}

    def among(self, edge: Edge, keys: Mapping[Key, Values]) -> frozenset[Key]:
        """Return the keys of which something is owed."""
        named = [None, *([bson_value(each) for each in values] for values in keys.values())]
        query = {"_id": {"$in": [self._identity(edge, each) for each in named]}}
        found: set[Key] = set()
        for document in self._documents.with_options(codec_options=RAW).find(query):
            key = value_at(bytes(document.raw), ("_id", "key"))
            if key is None or key == NULL:
                return frozenset(keys)
            found.add(tuple(comparable(value) for _, value in elements(key[1:])))
        return frozenset(found)

    def oldest(self) -> Debt | None:
        """Return the debt that has waited longest; None if nothing is owed."""
        for document in self._all().sort("since", 1).limit(1):
            identity = document["_id"]
            edge = self._edges[identity["embed"]]
            return Debt(identity, edge, identity["key"], document["cursor"], document["again"])
        return None

    def paid(self, debt: Debt, cursor: bytes | None, session: ClientSession) -> None:
        """Save that a debt is paid up to a cursor; None: to its end.

        One that is owed again begins anew, behind all the others.
        """
        if cursor is None and not debt.again:
            self._documents.delete_one({"_id": debt.id}, session=session)
            return
        change: Document = {"cursor": cursor}
        if cursor is None:
            change |= {"again": False, "since": datetime.now(UTC)}
        self._documents.update_one({"_id": debt.id}, {"$set": change}, session=session)

    def has_others(self) -> bool:
        """Return whether there are debts of embeds that no mapping has any more."""
        return self._documents.find_one(self._others) is not None

    def forget_others(self, session: ClientSession) -> None:
        """Drop the debts of embeds that no mapping has any more."""
        self._documents.delete_many(self._others, session=session)

    @property
    def _others(self) -> Document:
        return {"_id.stream": self._stream, "_id.embed": {"$nin": sorted(self._edges)}}

    @property
    def nothing(self) -> dict[Owed, int]:
        """The counts if no embed owes anything."""
        return {(edge.parent, ".".join(edge.path)): 0 for edge in self._edges.values()}

    def counts(self) -> dict[Owed, int]:
        """Return the number of debts of each embed."""
        return self.nothing | {
            (each["collection"], each["path"]): each["debts"]
            for each in owed_in(self._documents, self._stream)
        }

    def _all(self) -> Cursor[Document]:
        embeds = {"$in": sorted(self._edges)}
        return self._documents.find({"_id.stream": self._stream, "_id.embed": embeds})
