"""A small model of how mongos routes commands, from MongoDB's manual: it can't be run here.

It knows nothing of chunks and shards: only whether a command names one place, asks all shards, or
is refused. Each rule names the page of https://www.mongodb.com/docs/manual/ that it is from. Where
releases differ, the strictest of those that cdc supports (4.4 on) is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import bson
from bson.raw_bson import RawBSONDocument

Document = dict[str, Any]

_ABSENT: Final = object()


class Route(Enum):
    """Where mongos sends a statement."""

    TARGETED = "to the shard of one place"
    BROADCAST = "to every shard"
    UNSHARDED = "to the shard that has the whole collection"


class RefusedByMongos(Exception):
    """mongos does not do it."""


@dataclass(frozen=True)
class Mongos:
    """A cluster in which `keys` are the shard keys of the sharded collections, by namespace."""

    keys: Mapping[str, Mapping[str, object]]
    there: frozenset[str] = frozenset()
    """The collections that exist, beside the sharded ones."""

    def routes(self, database: str, command: Document, *, in_transaction: bool) -> list[Route]:
        """Return the route of each statement of a command; raises RefusedByMongos."""
        verb, name = next(iter(command.items()))
        namespace = f"{database}.{name}"
        key = self.keys.get(namespace)
        if verb in {"insert", "update"} and in_transaction:
            self._require_there(namespace)
        if verb not in _RULES:
            return []
        statements = [*_RULES[verb](self, key or {}, command)]
        return [Route.UNSHARDED for _ in statements] if key is None else statements

    def _require_there(self, namespace: str) -> None:
        # core/transactions-operations: "You cannot create new collections in cross-shard write
        # transactions." An insert or an upsert of a new collection would.
        if namespace not in self.keys and namespace not in self.there:
            raise RefusedByMongos(f"{namespace} would be created in a transaction over shards")

    def _inserted(self, key: Mapping[str, object], command: Document) -> Iterator[Route]:
        # core/sharding-shard-key: a document is distributed by its shard key; fields that are not
        # there count as null.
        for _ in command["documents"]:
            yield Route.TARGETED

    def _updated(self, key: Mapping[str, object], command: Document) -> Iterator[Route]:
        for raw in command["updates"]:
            statement = plain(raw)
            _require_simple(statement)
            whole = _has_whole_key(key, statement["q"])
            by_id = _is_exact(statement["q"], "_id")
            change = statement["u"]
            replacement = isinstance(change, dict) and not any(each[0] == "$" for each in change)
            if statement.get("multi"):
                # core/sharded-cluster-query-router: multi-updates are broadcast, unless their
                # filter has the whole shard key.
                yield Route.TARGETED if whole else Route.BROADCAST
            elif statement.get("upsert") and not whole:
                # reference/method/db.collection.replaceOne, "Upsert on a Sharded Collection": the
                # filter must have an equality match on the full shard key.
                raise RefusedByMongos(f"an upsert without the full shard key: {statement['q']}")
            elif not whole and not by_id:
                # core/sharded-cluster-requirements, "Single Document Modification Operations".
                raise RefusedByMongos(f"an update without shard key and _id: {statement['q']}")
            else:
                if replacement and whole:
                    _require_same_place(key, statement)
                yield Route.TARGETED if whole else Route.BROADCAST

    def _deleted(self, key: Mapping[str, object], command: Document) -> Iterator[Route]:
        for raw in command["deletes"]:
            statement = plain(raw)
            _require_simple(statement)
            whole = _has_whole_key(key, statement["q"])
            if statement["limit"] == 1 and not whole and not _is_exact(statement["q"], "_id"):
                # core/sharded-cluster-requirements, "Single Document Modification Operations".
                raise RefusedByMongos(f"a delete without shard key and _id: {statement['q']}")
            yield Route.TARGETED if whole else Route.BROADCAST

    def _found(self, key: Mapping[str, object], command: Document) -> Iterator[Route]:
        # core/sharded-cluster-query-router: a query without the shard key, or a prefix of it, is
        # sent to every shard. (A prefix would do; this model asks for all of it.)
        yield (Route.TARGETED if _has_whole_key(key, plain(command["filter"])) else Route.BROADCAST)


_RULES: Final = {
    "insert": Mongos._inserted,
    "update": Mongos._updated,
    "delete": Mongos._deleted,
    "find": Mongos._found,
}


def plain(document: object) -> Document:
    """Return a document of a recorded command, decoded."""
    if isinstance(document, RawBSONDocument):
        return bson.decode(document.raw)
    assert isinstance(document, Mapping)
    return bson.decode(bson.encode(document))


def _require_simple(statement: Document) -> None:
    # reference/command/shardCollection, "collation": a sharded collection's is simple; a filter
    # with another one does not tell the shard of a text.
    if statement.get("collation", {"locale": "simple"}) != {"locale": "simple"}:
        raise RefusedByMongos(f"no simple collation: {statement}")


def _require_same_place(key: Mapping[str, object], statement: Document) -> None:
    # core/sharding-change-shard-key-value: that needs a transaction or a retryable write of its
    # own; here it is a delete and an insert.
    moved = [
        path for path in key if value_of(statement["q"], path) != value_of(statement["u"], path)
    ]
    if moved:
        raise RefusedByMongos(f"a replacement that changes {moved}: {statement}")


def _has_whole_key(key: Mapping[str, object], wanted: Document) -> bool:
    return all(_is_exact(wanted, path) for path in key)


def _is_exact(wanted: Document, path: str) -> bool:
    """Return whether a filter has an equality on a field: its value, or `$eq`."""
    value = value_of(wanted, path)
    if value is _ABSENT:
        return False
    return not isinstance(value, Mapping) or not any(name.startswith("$") for name in value)


def value_of(document: Document, path: str) -> object:
    """Return what a filter or a document says of a path, dotted or nested.

    An equality on a whole document counts for the fields in it.
    """
    if path in document:
        return document[path]
    name, _, rest = path.partition(".")
    inner = document.get(name, _ABSENT)
    return value_of(inner, rest) if rest and isinstance(inner, dict) else _ABSENT
