"""Refuses embeds that the columns of their tables cannot make: of fields unknown or never equal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from cdc.config.yaml12 import Path as KeyPath
from cdc.mapping.compile.field_kinds import ARRAYS, UNKNOWN, Kind, kind_of
from cdc.mapping.file import mapping as files
from cdc.mapping.file.allowed_names import nested
from cdc.mapping.file.embeds import Embed
from cdc.mapping.file.id_places import (
    Places,
    hint,
    known_places,
    right_fields,
    right_link,
    right_order,
)
from cdc.mapping.file.letter_case import CASES
from cdc.mapping.file.problems import Problem
from cdc.mapping.layout.document import ID, Branch, Layout, Leaf, Node
from cdc.mapping.layout.sources import FromColumn

_UNLINKED: Final = "which link nothing and have no order: cast it, or make a field of a part of it"


class Compiled(NamedTuple):
    """A mapping, and the layout of its documents for one table."""

    mapping: files.Mapping
    layout: Layout


Known = Mapping[str, Sequence[Compiled]]
"""What is compiled, by its collection."""


def own_link_mistakes(mapping: files.Mapping, layout: Layout) -> Iterator[Problem]:
    """Yield the links of a mapping that its own documents cannot have."""
    own = Compiled(mapping, layout)
    for path, embed in mapping.embed.items():
        line = right_link(embed, _places(own), {})
        for pair in embed.pairs:
            if why := _unfit(own, pair.ours, line):
                yield mapping.origin.mistake(("embed", path, "on"), why)


def their_link_mistakes(
    mapping: files.Mapping, layout: Layout, mappings: Iterable[files.Mapping]
) -> Iterator[Problem]:
    """Yield the links of those of `mappings` that embed a mapping's documents, and cannot have."""
    child = Compiled(mapping, layout)
    for parent in mappings:
        for path, embed in parent.embed.items():
            line = right_link(embed, {}, _places(child))
            for pair in embed.pairs if embed.collection == mapping.target else ():
                if why := _unfit(child, pair.theirs, line):
                    yield parent.origin.mistake(("embed", path, "on"), why)


def link_mistakes(compiled: Iterable[Compiled]) -> Iterator[Problem]:
    """Yield what is wrong between two tables, once each.

    Of a table that could not be compiled nothing is told.
    """
    known: dict[str, list[Compiled]] = {}
    for each in compiled:
        known.setdefault(each.mapping.target, []).append(each)
    for parent in (each for parents in known.values() for each in parents):
        for path, embed in parent.mapping.embed.items():
            found = dict.fromkeys(_between(parent, ("embed", path), embed, known))
            yield from (parent.mapping.origin.mistake(*each) for each in found)


def _between(
    parent: Compiled, key: KeyPath, embed: Embed, known: Known
) -> Iterator[tuple[KeyPath, str]]:
    for child in known.get(embed.collection, ()):
        places = _places(child)
        line = right_link(embed, {}, places)
        for pair in embed.pairs:
            why = _unfit(child, pair.theirs, line)
            if why := why or _never_equal(parent, pair.ours, child, pair.theirs):
                yield (*key, "on"), why
        line = right_fields(embed, places)
        for path in (embed.fields or {}).values():
            if _embedded_kind(child, path, known) is None and _must_have(child, path):
                yield (*key, "fields"), _absent(child, path, line)
        line = right_order(embed, places)
        for path in embed.order:
            if why := _unfit_kind(child, path, line, _embedded_kind(child, path, known)):
                yield (*key, "order"), why


def _unfit(side: Compiled, path: str, line: str) -> str:
    """Return why a field is no link; "" if it is one. `line` has it if it is in the id."""
    return _unfit_kind(side, path, line, _kind(side, path))


def _unfit_kind(side: Compiled, path: str, line: str, kind: Kind | None) -> str:
    if kind is None:
        return _absent(side, path, line) if _must_have(side, path) else ""
    if not kind.is_mixed:
        return ""
    return f"`{path}` of `{side.mapping.target}` holds {kind}, {_UNLINKED}"


def _never_equal(parent: Compiled, ours: str, child: Compiled, theirs: str) -> str:
    one, other = _kind(parent, ours), _kind(child, theirs)
    if one is None or other is None or one.name == other.name:
        return ""
    return (
        f"`{ours}` holds {one}, and `{theirs}` of `{child.mapping.target}` {other}: they are never"
        " equal"
    )


def _embedded_kind(side: Compiled, path: str, known: Known) -> Kind | None:
    """Return the kind of a field that may itself be embedded; None if there is none."""
    for above, embed in side.mapping.embed.items():
        if path == above or nested(path, above) == path:
            return _kind_below(embed, path[len(above) + 1 :], known)
    return _kind(side, path)


def _kind_below(embed: Embed, below: str, known: Known) -> Kind | None:
    if embed.kind == "many" or not below:
        return ARRAYS
    if embed.fields is not None:
        name, _, rest = below.partition(".")
        if name not in embed.fields:
            return None
        below = f"{embed.fields[name]}.{rest}" if rest else embed.fields[name]
    children = known.get(embed.collection, ())
    if not children:
        return UNKNOWN
    found = (_embedded_kind(each, below, known) for each in children)
    return next((each for each in found if each is not None), None)


def _kind(side: Compiled, path: str) -> Kind | None:
    return kind_of(side.layout, tuple(path.split(".")))


def _must_have(side: Compiled, path: str) -> bool:
    """Return whether each table of a mapping has the field; one that is listed may be optional."""
    return side.mapping.fields is None or path.partition(".")[0] == "_id"


def _absent(side: Compiled, path: str, line: str) -> str:
    named = f"the documents of `{side.mapping.target}` have no field `{path}`"
    return f"{named}: {side.layout.table}{hint(path, _places(side), line)}"


def _places(side: Compiled) -> Places:
    layout, node = side.layout, side.layout.id
    nodes: Iterable[tuple[str, Node]] = [(ID, node)]
    if isinstance(node, Branch):
        nodes = ((f"{ID}.{each.name}", each) for each in node.children)
    places: dict[str, str] = {}
    for place, each in nodes:
        source = layout.sources[each.source] if isinstance(each, Leaf) else None
        if isinstance(source, FromColumn):
            places[layout.columns[source.column]] = place
    renamed = CASES[side.mapping.case]
    return known_places(places, renamed, lambda name: _kind(side, name) is not None)
