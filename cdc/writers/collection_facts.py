"""Queries a target for the collection facts that preflight judges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from pymongo.errors import OperationFailure

from cdc.model.server_facts import CollectionFacts
from cdc.writers.connection import Client

_UNAUTHORIZED: Final = 13
_OFF: Final = (False, None)


def collection_facts(
    client: Client, names: Iterable[tuple[str, str]], *, sharded: bool
) -> tuple[CollectionFacts, ...] | None:
    """Return the facts of those (database, collection) that exist.

    None if the account may not list them.
    """
    wanted: dict[str, set[str]] = {}
    for database, collection in names:
        wanted.setdefault(database, set()).add(collection)
    try:
        return tuple(
            _facts(client, database, each, sharded=sharded)
            for database, collections in wanted.items()
            for each in _listed(client, database, collections)
        )
    except OperationFailure as error:
        if error.code == _UNAUTHORIZED:
            return None
        raise


def _listed(client: Client, database: str, names: set[str]) -> Iterator[Mapping[str, Any]]:
    found = client[database].list_collections(filter={"name": {"$in": sorted(names)}})
    yield from sorted(found, key=lambda each: str(each["name"]))


def _facts(
    client: Client, database: str, listed: Mapping[str, Any], *, sharded: bool
) -> CollectionFacts:
    name = f"{database}.{listed['name']}"
    options = {key: value for key, value in listed["options"].items() if value not in _OFF}
    if listed["options"].get("autoIndexId") is False:
        options["autoIndexId"] = False
    return CollectionFacts(
        name=name,
        options=options,
        expiring=() if "viewOn" in options else _expiring(client[database], str(listed["name"])),
        **(_of_shards(client, name) if sharded else {}),
    )


def _expiring(database: Any, collection: str) -> tuple[str, ...]:
    indexes = database[collection].list_indexes()
    return tuple(str(each["name"]) for each in indexes if "expireAfterSeconds" in each)


def _of_shards(client: Client, name: str) -> dict[str, Any]:
    """Return what only counts on a sharded cluster."""
    database, _, collection = name.partition(".")
    there = client[database][collection]
    return {
        "shard_key": live_shard_key(client, name),
        "is_empty": there.find_one({}, {"_id": 1}) is None,
        "keys": tuple(_kinds(each["key"]) for each in there.list_indexes()),
    }


def live_shard_key(client: Client, name: str) -> dict[str, object] | None:
    """Return a collection's shard key: fields, each 1 or hashed; None if it has none.

    None, too, if the account may not see it.
    """
    try:
        found = client["config"]["collections"].find_one({"_id": name, "dropped": {"$ne": True}})
    except OperationFailure as error:
        if error.code == _UNAUTHORIZED:
            return None
        raise
    if not found or found.get("unsplittable"):  # newer servers list those that nobody has sharded
        return None
    return _kinds(found["key"])


def _kinds(key: Mapping[str, Any]) -> dict[str, object]:
    """Return the fields of a key; some clients write 1 as a double."""
    return {path: kind if isinstance(kind, str) else int(kind) for path, kind in key.items()}
