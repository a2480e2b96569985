"""Judges a write that is refused for an `_id`, though it names that `_id`: what stands in its way.

A document of the same `_id` at another place of the collection, or none that any read finds: an
orphan, which the migration of a chunk has left on its shard. See docs/architecture.md, "Sharded
collections".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import structlog
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference

from cdc.errors import Retryable
from cdc.model.operation import Operation, OperationKind
from cdc.writers.collections import Collections
from cdc.writers.documents import BY_BYTES, RAW, bson_value, document_id
from cdc.writers.errors import Refused
from cdc.writers.sharding import Paths, Sharding, place_of

log = structlog.get_logger(__name__)


class Strays(Exception):
    """Documents that must go before a write of their `_id` at another place."""

    def __init__(self, collection: str, operations: Sequence[Operation]) -> None:
        """Keep the operations that remove them."""
        super().__init__(f"{len(operations)} documents of {collection} are at another place")
        self.collection = collection
        self.operations = operations


def is_about_a_place(refused: Refused, sharding: Sharding) -> bool:
    """Return whether a replacement is refused for the `_id` that it names, and might not be."""
    if refused.kind != OperationKind.REPLACE or not refused.is_of_id:
        return False
    return sharding.is_sharded or bool(sharding.of_collection(refused.collection))


def judged(refused: Refused, sharding: Sharding, collections: Collections) -> Strays | Retryable:
    """Return the documents that are in the way; Retryable if there are none."""
    paths = sharding.of_collection(refused.collection)
    collection = collections.of(
        refused.collection,
        codec_options=RAW,
        read_concern=ReadConcern("local"),
        read_preference=ReadPreference.PRIMARY,
    )
    found = collection.find({"_id": bson_value(refused.id)}).collation(BY_BYTES)
    others = elsewhere([refused.operation], (bytes(each.raw) for each in found), paths)
    if others:
        log.warning(
            "documents_elsewhere",
            collection=refused.collection,
            documents=len(others),
            remedy="they go now; the row had changed without an event: cdc verify finds others",
        )
        return Strays(refused.collection, others)
    return Retryable(
        f"a shard refuses a document of {refused.collection} for another of its `_id` that no read"
        " finds: an orphan, which the server removes once a chunk has moved"
    )


def elsewhere(
    wanted: Iterable[Operation], documents: Iterable[bytes], paths: Paths
) -> list[Operation]:
    """Return the deletions of documents whose `_id` is a wanted one's, and their place is not.

    `documents` are some of those with the `_id`s of `wanted`; there is none where `_id` is all.
    """
    if not paths:
        return []
    places = {place_of(each.id, each.document, paths) for each in wanted}
    return [
        deletion
        for each in documents
        if place_of((deletion := deletion_of(each)).id, each, paths) not in places
    ]


def deletion_of(document: bytes) -> Operation:
    """Return the deletion of a document from its own place."""
    return Operation(OperationKind.DELETE, document_id(document), document)
