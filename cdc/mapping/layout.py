"""What a row's document is made of: a tree whose leaves are encoded columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cdc.mapping import bson_bytes
from cdc.mapping.types.encoder import Encoder, Wire

ID = "_id"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a field's value comes from: a column, its encoder, and what stands for NULL."""

    column: int
    encoder: Encoder
    null: tuple[bytes, bytes] = (bson_bytes.NULL, b"")


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

    `wires` tells how each column lies in a row image, in the table's order. `id` is the `_id`
    field, which comes first in every document, before `fields`.
    """

    table: str
    columns: tuple[str, ...]
    wires: tuple[Wire, ...]
    sources: tuple[Source, ...]
    id: Node
    fields: tuple[Node, ...]

    @property
    def bitmap_size(self) -> int:
        """Bytes of an image's null bitmap."""
        return (len(self.wires) + 7) // 8

    @property
    def id_columns(self) -> frozenset[int]:
        """The indexes of the columns that make up the id."""
        return frozenset(self.sources[source].column for source in leaves(self.id))


def leaves(node: Node) -> Iterator[int]:
    """Give the sources under `node`, in document order."""
    if isinstance(node, Leaf):
        yield node.source
        return
    for child in node.children:
        yield from leaves(child)


def nest(fields: Iterable[tuple[tuple[str, ...], int]]) -> tuple[Node, ...]:
    """Nest (path, source) pairs; a branch stands where it is first mentioned.

    The paths must be distinct and none the beginning of another.
    """
    groups: dict[str, list[tuple[tuple[str, ...], int]]] = {}
    for path, source in fields:
        groups.setdefault(path[0], []).append((path[1:], source))
    return tuple(_node(name, group) for name, group in groups.items())


def _node(name: str, group: list[tuple[tuple[str, ...], int]]) -> Node:
    path, source = group[0]
    return Branch(name, nest(group)) if path else Leaf(name, source)
