"""Makes documents with what they embed, and leaves out the values that do not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from cdc.model.dead_letter import Reason
from cdc.model.document_id import comparable
from cdc.writers.documents import document_id
from cdc.writers.embedding.bson_paths import AtPaths, with_values
from cdc.writers.embedding.bson_walk import Path
from cdc.writers.embedding.edges import Children, Edge
from cdc.writers.embedding.links import Key, Values, link
from cdc.writers.embedding.terms import LeftOut, Place, Refusal

NO_REFUSALS: Final[Mapping[Place, Refusal]] = {}


class Finds(Protocol):
    """Finds what documents embed: `cdc.writers.embedding.lookup.Lookup`."""

    def children(self, edge: Edge, keys: Mapping[Key, Values]) -> Mapping[Key, Children]:
        """Return what an embed's link finds for each of the keys, in the embed's order."""
        ...

    def room(self, collection: str) -> int:
        """Return the most bytes that a document may have before it is stamped."""
        ...


class Spliced(NamedTuple):
    """A document with what it embeds, and the values that are not in it."""

    document: bytes
    values: AtPaths = ()
    left_out: Sequence[LeftOut] = ()
    stays: bool = False
    """Whether the target refuses it, so that what is there stays."""


def embedding(documents: Sequence[bytes], edges: Sequence[Edge], lookup: Finds) -> list[bytes]:
    """Return the documents with what each embeds, as the collections are now."""
    return [each.document for each in spliced(documents, edges, lookup)]


def spliced(
    documents: Sequence[bytes],
    edges: Sequence[Edge],
    lookup: Finds,
    refused: Mapping[Place, Refusal] = NO_REFUSALS,
) -> list[Spliced]:
    """As `embedding`, but tell what was left out; values that were `refused` are left out too."""
    if not edges:
        return [Spliced(each) for each in documents]
    found = [_children(documents, edge, lookup) for edge in edges]
    room = lookup.room(edges[0].parent)
    return [
        _spliced(document, edges, each, room, refused)
        for document, each in zip(documents, zip(*found, strict=True), strict=True)
    ]


def _children(documents: Sequence[bytes], edge: Edge, lookup: Finds) -> list[Children]:
    """Return what an embed finds for each of the documents."""
    links = [link(each, edge.ours) for each in documents]
    found = lookup.children(edge, dict(each for each in links if each is not None))
    return [Children() if each is None else found[each[0]] for each in links]


def _spliced(
    document: bytes,
    edges: Sequence[Edge],
    found: Sequence[Children],
    room: int,
    refused: Mapping[Place, Refusal],
) -> Spliced:
    refusal = None
    if refused:
        refusal = refused.get((edges[0].parent, comparable(document_id(document))))
    values = None if refusal else _values(edges, found, room)
    if values is not None:
        whole = with_values(document, values)
        if len(whole) <= room:
            return Spliced(whole, values)
    return _without(document, [*zip(edges, found, strict=True)], room, refusal)


def _values(edges: Sequence[Edge], found: Sequence[Children], room: int) -> AtPaths | None:
    """Return what stands at the paths; None if that alone is too large."""
    values: list[tuple[Path, bytes]] = []
    for edge, children in zip(edges, found, strict=True):
        if not children.fit(room):
            return None
        values.append((edge.path, edge.value(children)))
    return values


def _without(
    document: bytes, found: Sequence[tuple[Edge, Children]], room: int, refusal: Refusal | None
) -> Spliced:
    """Return the document with the values that fit behind the ones before them."""
    values = {edge.path: edge.value_without for edge, _ in found}
    size = len(with_values(document, [*values.items()]))
    missing: dict[Path, tuple[Reason, str]] = {}
    for edge, children in found:
        if refusal is not None and edge.path in refusal.paths and children.count:
            missing[edge.path] = (refusal.reason, f"{_named(edge, children)}: {refusal.text}")
            continue
        value = edge.value(children) if children.fit(room) else None
        if value is None or size + len(value) - len(edge.value_without) > room:
            missing[edge.path] = (Reason.TOO_LARGE, _too_large(edge, children))
            continue
        size += len(value) - len(edge.value_without)
        values[edge.path] = value
    at_paths = [*values.items()]
    whole = with_values(document, at_paths)
    identifier, parent = document_id(document), found[0][0].parent
    return Spliced(
        whole,
        at_paths,
        [LeftOut(parent, path, identifier, whole, *why) for path, why in missing.items()],
        stays=refusal is not None and refusal.stays,
    )


def _named(edge: Edge, children: Children) -> str:
    path = ".".join(edge.path)
    return f"`{path}` of {children.count} elements" if edge.many else f"`{path}`"


def _too_large(edge: Edge, children: Children) -> str:
    return f"{_named(edge, children)} would make the document larger than MongoDB permits"
