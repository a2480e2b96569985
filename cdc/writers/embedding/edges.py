"""One embed as the writer carries it out: what its value depends on, and how it is made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from cdc.mapping import bson_bytes
from cdc.mapping.file import embed_graph
from cdc.writers.embedding.bson_paths import (
    EMPTY_ARRAY,
    NULL,
    array,
    chosen,
    values_at,
)
from cdc.writers.embedding.bson_walk import Path
from cdc.writers.embedding.links import Key, linked

_IN_NO_INDEX: Final = "\x01"
"""A field that no document has. Out of an index alone the server would read null for no field."""


@dataclass(slots=True)
class Children:
    """What an embed finds for a link, in its order: as many elements as a document could hold."""

    elements: list[bytes] = field(default_factory=list)
    count: int = 0
    size: int = 0

    def add(self, element: bytes, most: int) -> None:
        """Add an element; nothing is kept of more than `most` bytes, but they are counted."""
        self.count += 1
        self.size += len(element)
        if self.size <= most:
            self.elements.append(element)
        else:
            self.elements.clear()

    def fit(self, most: int) -> bool:
        """Return whether they have at most so many bytes together."""
        return self.size <= most


@dataclass(frozen=True, slots=True)
class Edge:
    """Documents of `child` at a path of the documents of `parent`.

    `ours` and `theirs` are the link, pair by pair. `fields` are the names and paths of what is
    embedded, None for whole documents. The first `limit` are embedded, ordered by `order` and _id.
    """

    parent: str
    path: Path
    child: str
    many: bool
    ours: tuple[Path, ...]
    theirs: tuple[Path, ...]
    fields: tuple[tuple[bytes, Path], ...] | None
    order: tuple[Path, ...]
    limit: int | None

    @classmethod
    def of(cls, edge: embed_graph.Edge) -> Edge:
        """Return what a mapping's embed asks for."""
        embed = edge.embed
        fields = embed.fields
        return cls(
            edge.parent,
            _path(edge.path),
            edge.child,
            embed.kind == "many",
            tuple(_path(each.ours) for each in embed.pairs),
            tuple(_path(each.theirs) for each in embed.pairs),
            None
            if fields is None
            else tuple((name.encode(), _path(path)) for name, path in fields.items()),
            tuple(map(_path, embed.order)),
            embed.limit,
        )

    @property
    def name(self) -> str:
        """What tells it from the stream's other embeds: the collection and the path."""
        return f"{self.parent} {'.'.join(self.path)}"

    @property
    def is_by_id(self) -> bool:
        """Whether the key of a link is the id of the one document that embeds."""
        return self.ours == (("_id",),)

    @property
    def index(self) -> dict[str, int]:
        """The index by which the documents are found that embed, in the order of their ids."""
        return {**{".".join(path): 1 for path in self.ours}, "_id": 1}

    @property
    def child_index(self) -> dict[str, int]:
        """The index by which the embedded documents are found, in their order."""
        paths = [*self.theirs, *self.order]
        return {**{".".join(path): 1 for path in paths}, "_id": 1}

    @property
    def value_without(self) -> bytes:
        """What stands at the path if nothing is embedded."""
        return EMPTY_ARRAY if self.many else NULL

    @property
    def projection(self) -> dict[str, int] | None:
        """What is read of the embedded documents; None for all of them."""
        if self.fields is None:
            return None
        paths = {*self.theirs, *(path for _, path in self.fields)}
        tops = {path for path in paths if not any(path[:n] in paths for n in range(1, len(path)))}
        return {".".join(path): 1 for path in sorted(tops)} | {_IN_NO_INDEX: 1}

    def value(self, children: Children) -> bytes:
        """Return what stands at the path for these, in their order."""
        if not children.count:
            return self.value_without
        if not self.many:
            return bson_bytes.DOCUMENT + children.elements[0]
        return array(children.elements)

    def element(self, child: bytes) -> bytes:
        """Return what is embedded of a document."""
        return child if self.fields is None else chosen(child, self.fields)

    def linked(self, batch: bytes) -> Iterable[tuple[Key, bytes]]:
        """Return the link and what is embedded of each document of a batch that links."""
        return linked(batch, self.theirs, self.fields)

    def depends_on(self, child: bytes) -> tuple[bytes | None, ...]:
        """Return all of a child that values depend on: two that are equal change nothing."""
        if self.fields is None:
            return (child,)
        paths = [*self.theirs, *(path for _, path in self.fields), *self.order]
        return values_at(child, paths)


def _path(dotted: str) -> Path:
    return tuple(dotted.split("."))
