"""What documents must embed between two transactions, and what of it is owed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import MongoClient
from pymongo.read_concern import ReadConcern

from cdc.mapping.file.embed_graph import EmbedGraph
from cdc.model.document_id import comparable
from cdc.model.operation import Operation
from cdc.writers.collections import Collections
from cdc.writers.embedding.bson_paths import value_at, with_values
from cdc.writers.embedding.debts import Debts
from cdc.writers.embedding.edges import Edge
from cdc.writers.embedding.links import Key, link
from cdc.writers.embedding.lookup import Lookup
from cdc.writers.embedding.splicing import embedding
from cdc.writers.errors import explained
from cdc.writers.namespaces import Namespaces
from cdc.writers.sync_timestamps import NO_STAMPS, SyncTimestamps


class Expectation:
    """The embedded values of one stream's documents, as its batches have left the collections."""

    def __init__(
        self,
        graph: EmbedGraph,
        client: MongoClient[dict[str, Any]],
        namespaces: Namespaces,
        stamps: SyncTimestamps = NO_STAMPS,
    ) -> None:
        """Take the graph of a loaded project; `namespaces` are those of its collections."""
        local = ReadConcern("local")  # what batches have left, as in Documents
        self._below: dict[str, list[Edge]] = {}
        for edge in map(Edge.of, graph.edges):
            self._below.setdefault(edge.parent, []).append(edge)
        edges = {edge.name: edge for edges in self._below.values() for edge in edges}
        states = client.get_database(namespaces.state_database, read_concern=local)
        self._debts = Debts(states, namespaces.stream, edges)
        collections = Collections(client, namespaces, read_concern=local)
        self._lookup = Lookup(collections, stamps=stamps)

    def expected(self, collection: str, operations: Sequence[Operation]) -> list[Operation]:
        """Return the operations with what their documents must embed now."""
        edges = self._below.get(collection)
        if not edges:
            return [*operations]
        with explained():
            documents = embedding([each.document for each in operations], edges, self._lookup)
        return [
            operation._replace(document=document)
            for operation, document in zip(operations, documents, strict=True)
        ]

    def excused(
        self, collection: str, operations: Sequence[Operation], found: Mapping[object, bytes]
    ) -> list[Operation]:
        """Return the operations with what is found at the paths of which values are owed.

        `found` are documents by their comparable ids. A path without any value is not excused.
        """
        owed = [(each, self._owed(each, operations)) for each in self._below.get(collection, ())]
        return [
            operation
            if (raw := found.get(comparable(operation.id))) is None
            else operation._replace(document=_excused(operation.document, raw, owed))
            for operation in operations
        ]

    def _owed(self, edge: Edge, operations: Sequence[Operation]) -> frozenset[Key]:
        links = [link(each.document, edge.ours) for each in operations]
        with explained():
            return self._debts.among(edge, dict(each for each in links if each is not None))


def _excused(document: bytes, found: bytes, owed: Sequence[tuple[Edge, frozenset[Key]]]) -> bytes:
    values = []
    for edge, keys in owed:
        linked, value = link(document, edge.ours), value_at(found, edge.path)
        if linked is None or linked[0] not in keys or value is None:
            value = value_at(document, edge.path)
        assert value is not None  # it was spliced
        values.append((edge.path, value))
    return with_values(document, values)
