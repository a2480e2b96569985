"""Which collections embed which, and the mistakes in it that no mapping makes alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import combinations
from typing import Any, Final, NamedTuple

from cdc.config.yaml12 import Path as KeyPath
from cdc.mapping.file.allowed_names import nested
from cdc.mapping.file.embeds import ID, Embed, Pair
from cdc.mapping.file.id_places import (
    Places,
    hint,
    known_places,
    right_fields,
    right_link,
    right_order,
)
from cdc.mapping.file.letter_case import CASES
from cdc.mapping.file.mapping import IdExpression, Mapping, SoftDelete
from cdc.mapping.file.problems import Problem, did_you_mean
from cdc.mapping.file.row_tables import row_table


class Edge(NamedTuple):
    """An embed: `parent` holds documents of `child` at `path`."""

    parent: str
    path: str
    child: str
    embed: Embed


class EmbedGraph:
    """The embeds of a stream's mappings; of collections that several feed, those of each."""

    def __init__(self, mappings: Iterable[Mapping]) -> None:
        self._mappings = tuple(mappings)
        found = {
            (mapping.target, path): Edge(mapping.target, path, embed.collection, embed)
            for mapping in self._mappings
            for path, embed in mapping.embed.items()
        }
        self.edges = tuple(found.values())

    def children_first(self) -> tuple[str, ...]:
        """Return every collection that embeds or is embedded, children before parents.

        Raises CycleError where a collection embeds itself in the end.
        """
        sorter: TopologicalSorter[str] = TopologicalSorter()
        for edge in self.edges:
            sorter.add(edge.parent, edge.child)
        return tuple(sorter.static_order())

    def below(self, parent: str) -> tuple[Edge, ...]:
        """Return what a collection embeds."""
        return tuple(each for each in self.edges if each.parent == parent)

    def table_of(self, collection: str, identifier: Any) -> str:
        """Return the table of a document's row, by its `_id`; empty if that does not tell."""
        return row_table([each for each in self._mappings if each.target == collection], identifier)

    def above(self, child: str) -> tuple[Edge, ...]:
        """Return where a collection is embedded."""
        return tuple(each for each in self.edges if each.child == child)


NO_EMBEDS: Final = EmbedGraph(())


def embed_mistakes(mappings: Sequence[Mapping]) -> Iterator[Problem]:
    """Yield the mistake of each embed that cannot be meant, as far as the files show it."""
    targets: dict[str, list[Mapping]] = {}
    for mapping in mappings:
        targets.setdefault(mapping.target, []).append(mapping)
    for mapping in mappings:
        yield from _misplaced(mapping)
        for path, embed in mapping.embed.items():
            yield from dict.fromkeys(_of_one(mapping, path, embed, targets))
    yield from _disagreeing(targets)
    yield from _unseen(mappings)
    yield from _circles(mappings)


def _of_one(
    mapping: Mapping, path: str, embed: Embed, targets: dict[str, list[Mapping]]
) -> Iterator[Problem]:
    key = ("embed", path)
    children = targets.get(embed.collection)
    if children is None:
        hint = did_you_mean(embed.collection, sorted({*targets} - {mapping.target}))
        what = f"no mapping makes a collection `{embed.collection}`{hint}"
        yield mapping.origin.mistake((*key, embed.kind), what)
        return
    for pair in embed.pairs:
        yield from _unlinked(mapping, (*key, "on"), pair, embed, children)
    for child in children:
        yield from _unknown(mapping, key, embed, child)
        if embed.kind == "one" and _may_find_several(child, embed):
            theirs = ", ".join(f"`{each.theirs}`" for each in embed.pairs)
            what = (
                f"several documents of `{child.target}` may have the same {theirs}: `one` wants"
                f" its `_id`, or an index of these fields with `unique: true` in"
                f" {child.origin.file}; if they may be NULL, with `sparse: true`, and `nulls: omit`"
                " in that mapping"
            )
            yield mapping.origin.mistake((*key, "on"), what)


def _may_find_several(child: Mapping, embed: Embed) -> bool:
    """Return whether a link is not unique; what is wrong with its fields is told already."""
    theirs = [each.theirs for each in embed.pairs]
    if any(_embed_around(child, each) or not has_field(child, each) for each in theirs):
        return False
    return not is_unique(child, theirs)


def _unlinked(
    mapping: Mapping, key: KeyPath, pair: Pair, embed: Embed, children: Sequence[Mapping]
) -> Iterator[Problem]:
    for side, path in [(mapping, pair.ours), *((child, pair.theirs) for child in children)]:
        child = children[0] if side is mapping else side
        if above := _embed_around(side, path):
            what = (
                f"`{path}` is made of `{above}`, which `{side.target}` embeds: link by own fields"
            )
            yield mapping.origin.mistake(key, what)
        elif not has_field(side, path):
            line = right_link(embed, _places(mapping), _places(child))
            yield mapping.origin.mistake(key, _absent(side, path, line))


def _unknown(mapping: Mapping, key: KeyPath, embed: Embed, child: Mapping) -> Iterator[Problem]:
    """Yield each field to embed, or to order by, that the child lacks."""
    asked = [("fields", each, right_fields) for each in (embed.fields or {}).values()]
    asked += [("order", each, right_order) for each in embed.order]
    for part, path, right in asked:
        if not has_field(child, path) and not _is_embedded(child, path):
            line = right(embed, _places(child))
            yield mapping.origin.mistake((*key, part), _absent(child, path, line))


def _absent(mapping: Mapping, path: str, line: str) -> str:
    """Return what is said of a field that is not there; `line` has it if it is in the id."""
    if path == mapping.stamp:
        return f"`{path}` is the stamp of `{mapping.target}`, which is never embedded"
    what = f"the documents of `{mapping.target}` have no field `{path}`"
    return what + hint(path, _places(mapping), line)


def _places(mapping: Mapping) -> Places:
    places = {
        part.column or part.field: f"{ID}.{part.field}" if mapping.id_is_document else ID
        for part in mapping.id_parts
    }
    return known_places(places, CASES[mapping.case], lambda name: has_field(mapping, name))


def has_field(mapping: Mapping, path: str) -> bool:
    """Return whether a row can make this field; unlisted columns count as there."""
    name, _, below = path.partition(".")
    if name == ID:
        parts = [part.field for part in mapping.id_parts]
        is_known = bool(parts) and not isinstance(mapping.id, IdExpression)
        return not below or not is_known or (mapping.id_is_document and below in parts)
    if path == mapping.stamp:
        return False  # it is no field of the row
    marks = mapping.on_delete.set if isinstance(mapping.on_delete, SoftDelete) else ()
    if path in marks:
        return True
    if mapping.fields is None:
        elsewhere = map(CASES[mapping.case], (*mapping.exclude, *mapping.id_columns))
        return path not in {*elsewhere}
    return any(path == each or path.startswith(each + ".") for each in mapping.fields)


def _is_embedded(mapping: Mapping, path: str) -> bool:
    return any(path == each or nested(path, each) for each in mapping.embed)


def _embed_around(mapping: Mapping, path: str) -> str | None:
    """Return the embed whose value lies at, above or below a path."""
    return next((each for each in mapping.embed if path == each or nested(path, each)), None)


def is_unique(mapping: Mapping, paths: Sequence[str]) -> bool:
    """Return whether no two documents of a collection can have the same values there."""
    wanted = {*paths}
    parts = {f"{ID}.{part.field}" for part in mapping.id_parts} if mapping.id_is_document else {ID}
    if ID in wanted or parts <= wanted:
        return True
    return any(
        each.unique and {*each.keys} <= wanted and each.partial_filter_expression is None
        for each in mapping.indexes
    )


def _misplaced(mapping: Mapping) -> Iterator[Problem]:
    """Refuse paths that stand in the place of fields, or of each other."""
    own = [*(mapping.fields or ())]
    if isinstance(mapping.on_delete, SoftDelete):
        own += mapping.on_delete.set
    own += [mapping.stamp] if mapping.stamp else []
    for path in mapping.embed:
        for other in own:
            if path == other or nested(path, other):
                what = f"`{other}` is a field of the document already"
                yield mapping.origin.mistake(("embed", path), what)
    for one, other in combinations(mapping.embed, 2):
        if (below := nested(one, other)) is not None:
            above = one if below == other else other
            what = f"`{below}` lies inside `{above}`, which is embedded itself"
            yield mapping.origin.mistake(("embed", below), what)


def _disagreeing(targets: dict[str, list[Mapping]]) -> Iterator[Problem]:
    for target, (first, *others) in targets.items():
        for each in others:
            for key in ("embed", "hidden"):
                if getattr(each, key) != getattr(first, key):
                    what = f"mappings with the target `{target}` must agree on `{key}`"
                    yield each.origin.mistake((key,), what)


def _unseen(mappings: Sequence[Mapping]) -> Iterator[Problem]:
    """Refuse hidden collections that no other embeds: nobody would ever see their documents."""
    embedded = {
        embed.collection
        for mapping in mappings
        for embed in mapping.embed.values()
        if embed.collection != mapping.target
    }
    for mapping in mappings:
        if mapping.hidden and mapping.target not in embedded:
            what = (
                f"no other mapping embeds `{mapping.target}`, and nobody else sees a hidden"
                " collection: leave `hidden` out, or embed it"
            )
            yield mapping.origin.mistake(("hidden",), what)


def _circles(mappings: Sequence[Mapping]) -> Iterator[Problem]:
    try:
        EmbedGraph(mappings).children_first()
    except CycleError as error:
        names: list[str] = error.args[1]
        names = names[::-1]
        told = " embeds ".join(f"`{each}`" for each in names)
        for mapping in mappings:
            if mapping.target == names[0]:
                path = next(
                    path for path, each in mapping.embed.items() if each.collection == names[1]
                )
                yield mapping.origin.mistake(("embed", path), f"no end is in sight: {told}")
                return
