"""Makes what documents embed of the source's rows as they are now, without a target.

Each embed reads rows of the tables that its collection is made of: those that its link may find, by
an index, or the first ones. Links, order and limit choose among their documents, which the code
that splices them in a stream puts into place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from cdc.commands.mapping.embedded_table import EmbeddedTable
from cdc.commands.mapping.inputs import connected, table_maps
from cdc.config import Config
from cdc.errors import Unfit
from cdc.mapping.file.embed_graph import EmbedGraph
from cdc.mapping.file.mapping import Mapping as TableMapping
from cdc.model.transaction import RowsEvent
from cdc.readers.select.chunk_reader import LOOKUP_KEYS, ChunkReader
from cdc.readers.select.keys import Key as RowKey
from cdc.writers.documents import document_id
from cdc.writers.embedding.bson_order import order_of
from cdc.writers.embedding.bson_paths import value_at
from cdc.writers.embedding.edges import Children, Edge
from cdc.writers.embedding.links import Key, Values, link
from cdc.writers.embedding.lookup import MAX_DOCUMENT_BYTES
from cdc.writers.embedding.splicing import spliced

MOST_ROWS: Final = 10_000
"""The rows of a table that an embed reads for all documents of a level."""

MOST_TABLES: Final = 20
"""The tables of a glob that an embed reads."""

Keys = Mapping[Key, Values]


class EmbeddedRows:
    """The documents of a project's collections, found among the rows of their tables."""

    def __init__(
        self, config: Config, mappings: Sequence[TableMapping], reader: ChunkReader
    ) -> None:
        self._config = config
        self._mappings = mappings
        self._reader = reader
        self._below: dict[str, list[Edge]] = {}
        for edge in map(Edge.of, EmbedGraph(mappings).edges):
            self._below.setdefault(edge.parent, []).append(edge)
        self._opened: dict[str, list[EmbeddedTable]] = {}
        self._notes: dict[str, None] = {}

    @property
    def notes(self) -> list[str]:
        """What may not be as it would be in a stream, and why."""
        return [*self._notes]

    def whole(self, collection: str, documents: Sequence[bytes]) -> list[bytes]:
        """Return a collection's documents with what they embed."""
        found = spliced(documents, self._below.get(collection, ()), self)
        for each in (left_out for one in found for left_out in one.left_out):
            self._note(f"left out of {collection}: {each.error}")
        return [each.document for each in found]

    def room(self, collection: str) -> int:
        """Return the most bytes that a document may have."""
        return MAX_DOCUMENT_BYTES

    def children(self, edge: Edge, keys: Keys) -> dict[Key, Children]:
        """Return what an embed's link finds for each of the keys, in the embed's order."""
        found = {key: Children() for key in keys}
        linked = [
            (values[0], raw)
            for raw in self._documents(edge, keys)
            if (values := link(raw, edge.theirs)) is not None and values[0] in found
        ]
        whole = self.whole(edge.child, [raw for _, raw in linked])
        pairs = zip((key for key, _ in linked), whole, strict=True)
        most = (edge.limit or MOST_ROWS) if edge.many else 1
        for key, raw in sorted(pairs, key=lambda pair: _place(edge, pair[1])):
            if found[key].count < most:
                found[key].add(edge.element(raw), MAX_DOCUMENT_BYTES)
        return found

    def _documents(self, edge: Edge, keys: Keys) -> Iterator[bytes]:
        """Yield documents of an embed's collection, among them those that its link finds."""
        for table in self._tables(edge.child) if keys else ():
            for event in self._events(table, edge, keys):
                documents, failed = table.documents(event)
                yield from documents
                if failed:
                    name = table.rows.name
                    self._note(
                        f"{name} has rows that cannot be carried over: cdc mapping preview {name}"
                    )

    def _events(self, table: EmbeddedTable, edge: Edge, keys: Keys) -> Iterator[RowsEvent]:
        """Yield rows of a table: those that the keys may find, by an index, or the first ones."""
        columns = table.columns(edge)
        by = self._reader.search_key(table.rows, columns) if columns else None
        wanted = None if by is None else table.keys(by, columns, [*keys.values()])
        by = by if wanted else None
        left = MOST_ROWS
        for part in _parts(wanted) if wanted else ((),):
            event, count, complete = self._reader.search(
                table.rows, limit=left + 1, by=by, keys=part
            )
            yield event
            left -= count
            if not complete:
                self._note_more(table, edge, MOST_ROWS - left, is_found=by is not None)
                return

    def _tables(self, collection: str) -> list[EmbeddedTable]:
        """Return the tables that a collection is made of, opened once."""
        if collection not in self._opened:
            self._opened[collection] = [*self._open(collection)]
        return self._opened[collection]

    def _open(self, collection: str) -> Iterator[EmbeddedTable]:
        for mapping in (each for each in self._mappings if each.target == collection):
            with connected(self._config) as connection:
                maps = table_maps(connection, mapping)
            if len(maps) > MOST_TABLES:
                self._note(f"of the tables of {mapping.source} only {MOST_TABLES} were read")
            for each in maps[:MOST_TABLES]:
                try:
                    rows = self._reader.open(each.schema, each.table, mapping.id_columns)
                except Unfit as error:
                    self._note(f"{each.name} was not read: {error.message}")
                else:
                    yield EmbeddedTable(mapping, rows)

    def _note_more(self, table: EmbeddedTable, edge: Edge, count: int, *, is_found: bool) -> None:
        path = f"{edge.parent}.{'.'.join(edge.path)}"
        what = "of those that it finds" if is_found else "the first ones"
        theirs = " and ".join(".".join(each) for each in edge.theirs)
        why = "" if is_found else f", since no index of the table finds {theirs}"
        self._note(
            f"{path} may lack some: {count:,} rows of {table.rows.name} were read, {what}{why}"
        )

    def _note(self, note: str) -> None:
        self._notes[note] = None


def _place(edge: Edge, raw: bytes) -> list[tuple[Any, ...]]:
    """Return what sorts a document where it belongs in the embed's order."""
    paths = [path for path in edge.order if path != ("_id",)]
    return [*(order_of(value_at(raw, path)) for path in paths), order_of(document_id(raw))]


def _parts(keys: Sequence[RowKey]) -> Iterator[Sequence[RowKey]]:
    return (keys[at : at + LOOKUP_KEYS] for at in range(0, len(keys), LOOKUP_KEYS))
