"""The rules for existing collections: the effects of their options, and the indexes requested."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from cdc.model.server_facts import CollectionFacts, IndexFacts
from cdc.preflight.findings import Finding, Outcome

FINE: Final = frozenset(
    {
        "changeStreamPreAndPostImages",
        "clusteredIndex",  # by `_id`: MongoDB clusters by no other key
        "flags",
        "indexOptionDefaults",
        "max",  # a capped collection's, as is `size`
        "pipeline",  # a view's
        "recordPreImages",
        "size",
        "storageEngine",
        "validationAction",
        "validationLevel",
        "validator",  # what it refuses becomes a dead letter, or stops the stream
    }
)
"""Options that do not affect what is written."""

NONE: Final[Mapping[str, Collection[str]]] = {}

UNFIT: Final[Mapping[str, str]] = {
    "autoIndexId": "it has no index on `_id`: two documents can have the same one",
    "capped": "it is capped: its oldest documents vanish when new ones come",
    "collation": "it compares texts by a collation: an `_id` can be equal to one that differs",
    "encryptedFields": "clients encrypt its fields, and cdc has none of their keys",
    "temp": "it is temporary: the server drops it when it starts",
    "timeseries": "it is a time series: its documents are not replaced or deleted by their `_id`",
    "viewOn": "it is a view: it takes no writes",
}
"""Options that prevent documents from equaling the rows."""

RISKY: Final[Mapping[str, str]] = {
    "expireAfterSeconds": "its documents expire, whatever their rows say: cdc verify tells them as"
    " missing, and cdc resync writes them again",
}


UNTOLD: Final = "its changes go sooner than the mapping says"
"""The risk of a history whose documents expire otherwise than by `keep_days`."""


def collection_findings(
    collections: Iterable[CollectionFacts] | None,
    tables: Mapping[str, Collection[str]],
    histories: Mapping[str, Collection[str]] = NONE,
) -> Iterator[Finding]:
    """Judge the existing collections; None if the account may not list them.

    `tables` are, by `database.collection`, the tables whose rows go there; none for cdc's own
    state. `histories` are the collections of histories, with the names of the indexes by which
    their documents are to expire.
    """
    if collections is None:
        yield Finding(
            "collections",
            Outcome.NOT_CHECKED,
            "the account may not list them: one with a collation could take two ids for one",
            "give the account in target.uri the role readWrite on both databases",
        )
        return
    for each in collections:
        yield _finding(each, tables.get(each.name, ()), histories.get(each.name))


def _finding(
    collection: CollectionFacts, tables: Collection[str], expiring: Collection[str] | None
) -> Finding:
    check = f"collection {collection.name}"
    obstacles = [*_obstacles(collection, is_state=not tables)]
    if obstacles:
        what = "; ".join(obstacles)
        resynced = tables if expiring is None else ()
        return Finding(check, Outcome.UNFIT, what, _made_anew(collection, tables, resynced))
    if risks := [*_risks(collection, expiring)]:
        return Finding(
            check, Outcome.WARNING, "; ".join(risks), "leave it so only if that is meant"
        )
    return Finding(check, Outcome.OK, "takes ids and documents as they are")


def _obstacles(collection: CollectionFacts, *, is_state: bool) -> Iterator[str]:
    for option in sorted(collection.options):
        if option in UNFIT:
            yield UNFIT[option]
    if is_state and collection.shard_key and [*collection.shard_key] != ["_id"]:
        keys = ", ".join(collection.shard_key)
        yield f"it is sharded by {keys}: two shards can hold documents with the same `_id`"


def _risks(collection: CollectionFacts, expiring: Collection[str] | None) -> Iterator[str]:
    told = RISKY if expiring is None else dict.fromkeys(RISKY, UNTOLD)
    for option in sorted(collection.options):
        if option in RISKY:
            yield told[option]
        elif option not in FINE:
            yield f"it has an option that this version does not know: {option}"
    for index in collection.expiring:
        if index not in (expiring or ()):
            yield f"its index {index} has documents expire: {told['expireAfterSeconds']}"


def _made_anew(
    collection: CollectionFacts, tables: Collection[str], resynced: Collection[str]
) -> str:
    if not tables:
        return (
            "it holds the state of streams: stop them all, make it anew without that and with the"
            " documents that it has; or name another target.state_database for new streams"
        )
    database, _, name = collection.name.partition(".")
    there = f"db.getSiblingDB({json.dumps(database)}).getCollection({json.dumps(name)})"
    moved = f"renameCollection({json.dumps(f'{name}_before')})"
    away = "drop()" if "viewOn" in collection.options else moved
    if not resynced:
        return (
            f"have it made anew: {there}.{away} in mongosh; or name another collection in"
            " `history`. cdc makes it at the start"
        )
    return (
        f"have it made anew: {there}.{away} in mongosh; or name another target in the mapping."
        " cdc makes it at the first write. A stream's first start fills it; later it is filled by:"
        f" cdc resync {' '.join(tables)}"
    )


def index_findings(indexes: Iterable[IndexFacts]) -> Iterator[Finding]:
    """Judge every index: a missing one is created at the start."""
    for index in indexes:
        check = f"index {index.name} of {index.collection}"
        if index.obstacle:
            yield Finding(
                check,
                Outcome.UNFIT,
                index.obstacle,
                index.remedy
                or "drop that index, or write the same one into `indexes` of the mapping",
            )
        elif index.present:
            yield Finding(check, Outcome.OK, "is there")
        else:
            yield Finding(check, Outcome.OK, "will be created at the start")
