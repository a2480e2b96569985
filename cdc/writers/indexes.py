"""Creates the indexes that mappings request, and compares them with the existing ones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import structlog
from pymongo import MongoClient
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

from cdc.errors import Retryable, Unfit, UsageError
from cdc.mapping.file.embed_graph import EmbedGraph
from cdc.mapping.file.histories import BY_TIME, DAY_SECONDS, OF_A_ROW, histories
from cdc.mapping.file.indexes import Index
from cdc.mapping.file.mapping import Mapping
from cdc.model.server_facts import IndexFacts
from cdc.writers.collections import Collections
from cdc.writers.concerns import MAJORITY, PRIMARY
from cdc.writers.embedding.edges import Edge
from cdc.writers.errors import RETRYABLE_CODES, check_concern, explained
from cdc.writers.namespaces import Namespace, Namespaces

Document = dict[str, Any]

log = structlog.get_logger(__name__)

_CONFLICTS: Final = frozenset(
    {
        85,  # IndexOptionsConflict: the same keys under another name or with other options
        86,  # IndexKeySpecsConflict: the same name for other keys or options
    }
)


def has_unique_index(client: MongoClient[Document], namespaces: Namespaces, target: str) -> bool:
    """Return whether a collection has a unique index beside that of `_id`."""
    with explained():
        return any(
            each.get("unique") and dict(each["key"]) != {"_id": 1}
            for each in Collections(client, namespaces).of(target).list_indexes()
        )


_DUPLICATES: Final = frozenset({11000, 11001})
_REFUSES_ACCOUNT: Final = frozenset({13, 18, 8000})
_PASSING: Final = RETRYABLE_CODES | {276}  # IndexBuildAborted, by a step-down for example
_OF_THE_SERVER: Final = frozenset(
    {
        "v",
        "key",
        "name",
        "ns",
        "background",
        "weights",
        "default_language",
        "language_override",
        "textIndexVersion",
        "2dsphereIndexVersion",
        "collation",
    }
)
"""Keys that the server adds to every index, or that are compared separately."""


_IS_A_VIEW: Final = 166
"""CommandNotSupportedOnView."""

_EXPIRY: Final = "expireAfterSeconds"


class WantedIndexes(NamedTuple):
    """The indexes that a mapping wants of a collection, in the form of `createIndexes`."""

    collection: str
    mapping: Mapping
    specifications: Sequence[Document]

    @property
    def is_of_history(self) -> bool:
        """Whether the collection keeps the mapping's changes."""
        return self.collection != self.mapping.target


def create_indexes(
    client: MongoClient[Document], namespaces: Namespaces, mappings: Iterable[Mapping]
) -> None:
    """Create the missing indexes, at majority; existing ones cost nothing.

    A build may take longer than the limit of an answer: a repeated request joins it. Raises
    Retryable for that, for one that no majority has yet, and for an unreachable target, Unfit if an
    index or documents stand in the way, UsageError for an index that MongoDB does not know.
    """
    collections = Collections(client, namespaces)
    for wanted in wanted_indexes(mappings):
        command = {
            "createIndexes": wanted.collection,
            "indexes": wanted.specifications,
        }
        try:
            created = _created(collections.command(command, writeConcern=PRIMARY.document))
            if created:
                log.info("indexes_created", collection=wanted.collection, indexes=created)
                check_concern(collections.command(command, writeConcern=MAJORITY.document))
        except PyMongoError as error:
            raise _explained(error, wanted) from error


def index_facts(
    client: MongoClient[Document], namespaces: Namespaces, mappings: Iterable[Mapping]
) -> Iterator[IndexFacts]:
    """Compare each requested index with those of the collections.

    Raises Retryable if the target cannot be reached, Unfit if it refuses the account.
    """
    collections = Collections(client, namespaces)
    for wanted in wanted_indexes(mappings):
        collection = wanted.collection
        try:
            there = [dict(each) for each in collections.of(collection).list_indexes()]
        except PyMongoError as error:
            if isinstance(error, OperationFailure) and error.code == _IS_A_VIEW:
                continue  # which is told of the collection
            raise _explained(error, wanted) from error
        namespace = namespaces.named(collection)
        for index in wanted.specifications:
            told = _with_other_days(namespace, index, there)
            remedy = "drop that index" if wanted.is_of_history else ""
            found = told or (*_compared(index, there), remedy)
            yield IndexFacts(collection, index["name"], *found)


def wanted_indexes(mappings: Iterable[Mapping]) -> Iterator[WantedIndexes]:
    """Yield the indexes that mappings ask for, and that their embeds and histories need."""
    mappings = tuple(mappings)
    edges = [Edge.of(each) for each in EmbedGraph(mappings).edges]
    for mapping in mappings:
        asked = [each.index for each in edges if each.parent == mapping.target]
        asked += [each.child_index for each in edges if each.child == mapping.target]
        own = [[*each.keys.items()] for each in mapping.indexes]
        needed = {
            tuple(keys): Index.model_validate({"keys": keys})
            for keys in asked
            if [*keys] != ["_id"] and [*keys.items()] not in own
        }
        if indexes := (*mapping.indexes, *needed.values()):
            yield WantedIndexes(mapping.target, mapping, [*map(specification, indexes)])
    for collection, (mapping, *_) in histories(mappings).items():
        yield WantedIndexes(collection, mapping, [*_of_history(mapping)])


def _of_history(mapping: Mapping) -> Iterator[Document]:
    yield specification(OF_A_ROW)
    if mapping.history is not None and (seconds := mapping.history.keep_seconds) is not None:
        yield {**specification(BY_TIME), _EXPIRY: seconds}


def specification(index: Index) -> Document:
    """Return the index in the form of `createIndexes`."""
    names = [f"{path}_{direction}" for path, direction in index.keys.items()]
    found: Document = {"key": dict(index.keys), "name": index.name or "_".join(names)}
    if index.unique:
        found["unique"] = True
    if index.sparse:
        found["sparse"] = True
    if index.partial_filter_expression is not None:
        found["partialFilterExpression"] = index.partial_filter_expression
    if index.collation is not None:
        found["collation"] = index.collation
    return found


def _compared(wanted: Document, there: Sequence[Document]) -> tuple[bool, str]:
    """Return whether the index exists, and what prevents it."""
    for index in there:
        same = _same(wanted, index)
        if index["name"] == wanted["name"]:
            return (True, "") if same else (False, "another index has its name")
        if same:
            return False, f"it is there under another name, {index['name']}"
    return False, ""


def _with_other_days(
    namespace: Namespace, wanted: Document, there: Sequence[Document]
) -> tuple[bool, str, str] | None:
    """Return that only the time differs after which documents expire, and what to type then."""
    seconds = wanted.get(_EXPIRY)
    for index in there:
        found = index.get(_EXPIRY)
        if seconds is None or found in (None, seconds) or index["name"] != wanted["name"]:
            continue
        if _same(wanted, {**index, _EXPIRY: seconds}):
            change = {"name": index["name"], _EXPIRY: seconds}
            return (
                False,
                f"it has documents expire after {found / DAY_SECONDS:g} days, and `keep_days` says"
                f" {seconds // DAY_SECONDS}",
                "write that, or run in mongosh:"
                f" db.getSiblingDB({json.dumps(namespace.database)}).runCommand({{collMod:"
                f" {json.dumps(namespace.collection)}, index: {json.dumps(change)}}})",
            )
    return None


def _same(wanted: Document, index: Document) -> bool:
    """Return whether both index the same documents by the same keys in the same way."""
    options = {key: value for key, value in index.items() if key not in _OF_THE_SERVER}
    asked = {key: value for key, value in wanted.items() if key not in _OF_THE_SERVER}
    return (
        _keys(wanted["key"]) == _stored_keys(index)
        and options == asked
        and _same_collation(wanted.get("collation"), index.get("collation"))
    )


def _keys(key: Document) -> tuple[list[tuple[str, Any]], set[str]]:
    """Return the ordered keys, and those of text apart: the server keeps these without order."""
    ordered = [(path, direction) for path, direction in key.items() if direction != "text"]
    return ordered, {path for path, direction in key.items() if direction == "text"}


def _stored_keys(index: Document) -> tuple[list[tuple[str, Any]], set[str]]:
    ordered = [(path, kind) for path, kind in index["key"].items() if path not in {"_fts", "_ftsx"}]
    return ordered, set(index.get("weights", {}))


def _same_collation(wanted: Document | None, there: Document | None) -> bool:
    """Compare the requested options; the server adds the others."""
    if wanted is None or there is None:
        return wanted is there
    return all(there.get(key) == value for key, value in wanted.items())


def _created(reply: Document) -> int:
    """Count the indexes in a reply; mongos nests the shards' replies."""
    replies = [reply, *reply.get("raw", {}).values()]
    return max(
        int(each.get("numIndexesAfter", 0)) - int(each.get("numIndexesBefore", 0))
        for each in replies
    )


def _explained(error: PyMongoError, wanted: WantedIndexes) -> Retryable | Unfit | UsageError:
    collection, mapping, of_history = wanted.collection, wanted.mapping, wanted.is_of_history
    code = error.code if isinstance(error, OperationFailure) else None
    if isinstance(error, ConnectionFailure) or code in _PASSING:
        return Retryable(f"the indexes of {collection} are not built yet: {_brief(error)}")
    if code in _REFUSES_ACCOUNT:
        database = "target.state_database" if mapping.hidden else "target.database"
        return Unfit(
            f"the target lets this account build no index on {collection}: {_brief(error)}",
            remedy=f"grant it readWrite on {database}",
        )
    if code in _CONFLICTS:
        return Unfit(
            f"an index of {collection} is in the way of one that {mapping.origin.file} asks"
            f" for: {_brief(error)}",
            remedy="drop that index" + ", or write the same one into `indexes`" * (not of_history),
        )
    if code in _DUPLICATES:
        return Unfit(
            f"documents of {collection} have the same keys under a unique index that"
            f" {mapping.origin.file} asks for",
            remedy="write `unique: false`, or make the rows differ",
        )
    mistake = mapping.origin.mistake(
        ("history",) if of_history else ("indexes",), f"MongoDB refuses an index: {_brief(error)}"
    )
    return UsageError(str(mistake))


def _brief(error: PyMongoError) -> str:
    return str(error).partition(", full error")[0]
