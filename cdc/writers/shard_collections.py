"""Makes a sharded cluster ready for a stream: shards its collections, and creates the others.

mongos creates no collection within a transaction that writes to several shards, so all that a
stream writes must be there before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import structlog
from pymongo import MongoClient
from pymongo.errors import CollectionInvalid, OperationFailure

from cdc.mapping.file.histories import histories
from cdc.mapping.file.mapping import Mapping as TableMapping
from cdc.writers.collection_facts import live_shard_key
from cdc.writers.concerns import MAJORITY
from cdc.writers.errors import brief, check_concern, explained, is_passing
from cdc.writers.facts import is_behind_mongos
from cdc.writers.namespaces import Namespace, Namespaces
from cdc.writers.stream_state import STATE_COLLECTIONS

log = structlog.get_logger(__name__)

Client = MongoClient[dict[str, Any]]

ENABLED_BY_ITSELF: Final = (6, 0)
"""From this MongoDB on a database need not be enabled for sharding."""


def ready_cluster(
    client: Client,
    namespaces: Namespaces,
    mappings: Iterable[TableMapping],
    *,
    is_behind_mongos: Callable[[Client], bool] = is_behind_mongos,
) -> None:
    """Shard and create what is missing; other targets are left alone.

    A collection that cannot be sharded now is logged, and stays in one place: the stream's writes
    are right there, too. Raises Retryable, Unfit or CdcError for other errors.
    """
    with explained():
        if not is_behind_mongos(client):
            return
        mappings = tuple(mappings)
        wanted = {namespaces.named(each.target): each.shard_key for each in mappings}
        states = (Namespace(namespaces.state_database, each) for each in STATE_COLLECTIONS)
        kept = map(namespaces.named, histories(mappings))
        for namespace in dict.fromkeys([*states, *wanted, *kept]):
            key = wanted.get(namespace)
            if key is None or not _shard(client, namespace, key):
                _create(client, namespace)


def _shard(client: Client, namespace: Namespace, key: Mapping[str, object]) -> bool:
    """Shard a collection, if it is not; return whether it is now."""
    if live_shard_key(client, str(namespace)) is not None:
        return True  # held against the mapping before
    try:
        if _version(client) < ENABLED_BY_ITSELF:
            client.admin.command({"enableSharding": namespace.database})
        reply = client.admin.command(
            {
                "shardCollection": str(namespace),
                "key": dict(key),
                "collation": {"locale": "simple"},
                "writeConcern": MAJORITY.document,
            }
        )
        check_concern(reply)
    except OperationFailure as error:
        if is_passing(error):
            raise
        log.warning(
            "not_sharded",
            collection=str(namespace),
            key=dict(key),
            error=brief(error),
            remedy="see what to type: cdc check",
        )
        return False
    log.info("sharded", collection=str(namespace), key=dict(key))
    return True


def _create(client: Client, namespace: Namespace) -> None:
    """Create a collection, if it is not there."""
    database = client.get_database(namespace.database, write_concern=MAJORITY)
    try:
        database.create_collection(namespace.collection)  # looks first
    except CollectionInvalid:
        return


def _version(client: Client) -> tuple[int, ...]:
    return tuple(client.server_info()["versionArray"])
