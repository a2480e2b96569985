"""The layout of a row's document: a tree whose leaves are values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cdc.mapping.layout.sources import Filter, FromColumn, Source
from cdc.mapping.types.encoder import Wire

ID = "_id"

Path = tuple[str, ...]
"""The names from a document down to a field."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A field that holds the value of `Layout.sources[source]`."""

    name: str
    source: int


@dataclass(frozen=True, slots=True)
class Branch:
    """A field that holds fields."""

    name: str
    children: tuple[Leaf | Branch, ...]


Node = Leaf | Branch


@dataclass(frozen=True, slots=True)
class Layout:
    """A table's columns, and the documents that its rows become.

    `declarations` are the columns' names and types, for people who read generated code. `wires`
    describes how each column lies in a row image, in the table's order. `id` is the `_id` field,
    which comes first in every document, before `fields`. Rows for which `filter` is not true have
    no document. `deleted` are the fields of a document whose row is gone, None if it is deleted.
    `shard` are the fields of the shard key outside `_id`: they tell where a document is.
    `id_is_private`: errors must not show ids.
    """

    table: str
    columns: tuple[str, ...]
    declarations: tuple[str, ...]
    wires: tuple[Wire, ...]
    sources: tuple[Source, ...]
    id: Node
    fields: tuple[Node, ...]
    filter: Filter | None = None
    deleted: tuple[Node, ...] | None = None
    shard: tuple[Node, ...] = ()
    id_is_private: bool = False

    @property
    def bitmap_size(self) -> int:
        """The bytes of an image's null bitmap."""
        return (len(self.wires) + 7) // 8

    @property
    def never_null(self) -> int:
        """The bits, in an image's null bitmap, of the columns in `_id`: each is NOT NULL."""
        found = (self.sources[each] for each in leaves(self.id))
        return sum({1 << each.column for each in found if isinstance(each, FromColumn)})


def leaves(*nodes: Node) -> Iterator[int]:
    """Yield the sources under `nodes`, in document order."""
    for node in nodes:
        if isinstance(node, Leaf):
            yield node.source
        else:
            yield from leaves(*node.children)


def source_at(layout: Layout, path: Path) -> Source | None:
    """Return the source of the field at a path; None if it holds fields, or there is none."""
    nodes: Iterable[Node] = (layout.id, *layout.fields)
    for at, name in enumerate(path, start=1):
        node = next((each for each in nodes if each.name == name), None)
        if isinstance(node, Leaf):
            return layout.sources[node.source] if at == len(path) else None
        nodes = node.children if node is not None else ()
    return None


def nest(fields: Iterable[tuple[Path, int]]) -> tuple[Node, ...]:
    """Nest (path, source) pairs; a branch stands where its name first occurs.

    The paths must be distinct and none the beginning of another.
    """
    groups: dict[str, list[tuple[Path, int]]] = {}
    for path, source in fields:
        groups.setdefault(path[0], []).append((path[1:], source))
    return tuple(_node(name, group) for name, group in groups.items())


def _node(name: str, group: list[tuple[Path, int]]) -> Node:
    path, source = group[0]
    return Branch(name, nest(group)) if path else Leaf(name, source)
